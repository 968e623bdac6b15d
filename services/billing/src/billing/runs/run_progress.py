"""What was told of since a run began, as closing it asks."""

from billing.observations.receipts import Receipts
from billing.observations.repository import BY_TOPIC
from billing.runs.models import FinishedRun
from billing.usage.coverage import NOTHING_READ, Coverage
from billing.usage.coverage_repository import CoverageRepository
from billing.usage.ref import Ref
from shared.mongo import Mongo


class RunProgressReader:
    """Reads arrivals and coverages."""

    def __init__(self, mongo: Mongo) -> None:
        self._arrivals, self._coverages = Receipts(mongo), CoverageRepository(mongo)

    async def coverage(self, run: FinishedRun) -> Coverage:
        """What the runs of the same integration that were closed before vouch for."""
        coverages = await self._coverages.of_tenant(run.tenant_id)
        return coverages.get(run.integration_id, NOTHING_READ)

    async def stored_since(self, run: FinishedRun) -> dict[str, int]:
        """How many things of each topic were told of since the run began; a topic not ours counts as there.

        A thing that was told of again since has a larger revision, and still counts.
        """
        stored = await self._arrivals.counts(run.tenant_id, run.integration_id, run.first_revision)
        return {topic: stored.get(topic, 0) if topic in BY_TOPIC else n for topic, n in run.published.items()}

    async def gone_since(self, tenant_id: str, integration_id: str, revision: int) -> set[Ref]:
        """The accounts that something was told to be gone from."""
        gone = await self._arrivals.gone(tenant_id, integration_id, revision)
        return {ref for ref in gone if ref.is_account}
