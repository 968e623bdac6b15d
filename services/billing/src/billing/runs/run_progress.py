"""What was observed since a run began, as closing it asks."""

from billing.observations.receipts import Receipts
from billing.observations.repository import BY_TOPIC
from billing.runs.models import FinishedRun
from billing.usage.coverage import NOTHING_READ, Coverage
from billing.usage.coverage_repository import CoverageRepository
from billing.usage.ref import Ref
from shared.mongo import Mongo


class RunProgressReader:
    """Reads receipts and coverages (see `ObservationProgress`)."""

    def __init__(self, mongo: Mongo) -> None:
        self._receipts, self._coverages = Receipts(mongo), CoverageRepository(mongo)

    async def coverage(self, run: FinishedRun) -> Coverage:
        """Returns the coverage by the runs of the same integration that were closed before."""
        coverages = await self._coverages.of_tenant(run.tenant_id)
        return coverages.get(run.integration_id, NOTHING_READ)

    async def stored_since(self, run: FinishedRun) -> dict[str, int]:
        """Returns how many keys of each topic were stored since the run began.

        A key that a later run observed again has a larger revision, and still counts. A topic that billing
        does not store counts as stored, so that a run never waits for what nobody keeps.
        """
        stored = await self._receipts.counts(run.tenant_id, run.integration_id, run.first_revision)
        return {
            topic: stored.get(topic, 0) if topic in BY_TOPIC else number
            for topic, number in run.published.items()
        }

    async def gone_since(self, tenant_id: str, integration_id: str, revision: int) -> set[Ref]:
        """Returns the accounts (refs) under which something was observed to be absent."""
        gone = await self._receipts.gone(tenant_id, integration_id, revision)
        return {ref for ref in gone if ref.is_account}
