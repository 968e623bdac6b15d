"""What was told of since a run began, as closing it asks."""

from billing.models.coverage import NOTHING_READ, Coverage
from billing.models.refs import is_account
from billing.models.runs import Run
from billing.repository.arrivals import Arrivals
from billing.repository.coverages import Coverages
from billing.repository.observed import BY_TOPIC
from shared.mongo import Mongo


class Rows:
    """Reads arrivals and coverages."""

    def __init__(self, mongo: Mongo) -> None:
        self._arrivals, self._coverages = Arrivals(mongo), Coverages(mongo)

    async def coverage(self, run: Run) -> Coverage:
        """What the runs of the same integration that were closed before vouch for."""
        coverages = await self._coverages.of_tenant(run.tenant_id)
        return coverages.get(run.integration_id, NOTHING_READ)

    async def stored_since(self, run: Run) -> dict[str, int]:
        """How many things of each topic were told of since the run began; a topic not ours counts as there.

        A thing that was told of again since has a larger revision, and still counts.
        """
        stored = await self._arrivals.counted(run.tenant_id, run.integration_id, run.first_revision)
        return {topic: stored.get(topic, 0) if topic in BY_TOPIC else n for topic, n in run.published.items()}

    async def gone_since(self, tenant_id: str, integration_id: str, revision: int) -> set[str]:
        """The accounts (refs) that something was told to be gone from."""
        return set(filter(is_account, await self._arrivals.gone(tenant_id, integration_id, revision)))
