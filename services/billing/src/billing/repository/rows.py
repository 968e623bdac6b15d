"""What was observed, counted and listed by integration and revision."""

from billing.models.coverage import NOTHING_READ, Coverage
from billing.models.runs import Run
from billing.repository.coverages import Coverages
from billing.repository.observed import BY_TOPIC
from shared.mongo import Mongo

_BY_ACCOUNT = ("subscriptions", "agreement_lines")


class Rows:
    """Reads the collections of what was observed."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo, self._coverages = mongo, Coverages(mongo)

    async def coverage(self, run: Run) -> Coverage:
        """What the runs of the same integration that were closed before vouch for."""
        coverages = await self._coverages.of_tenant(run.tenant_id)
        return coverages.get(run.integration_id, NOTHING_READ)

    async def stored_since(self, run: Run) -> dict[str, int]:
        """How many things of each topic were told of since the run began; a topic not ours counts as there.

        A thing that was told of again since has a larger revision, and still counts.
        """
        since = {"integration_id": run.integration_id, "revision": {"$gte": run.first_revision}}
        return {
            topic: await self._mongo.documents(BY_TOPIC[topic], run.tenant_id).count(since)
            if topic in BY_TOPIC
            else number
            for topic, number in run.published.items()
        }

    async def accounts_since(self, tenant_id: str, integration_id: str, revision: int) -> set[str]:
        """The accounts (refs) whose subscriptions or agreement lines were told of."""
        since = {"integration_id": integration_id, "revision": {"$gte": revision}}
        found: set[str] = set()
        for name in _BY_ACCOUNT:
            found |= set(await self._mongo.documents(name, tenant_id).distinct("ref", since))
        return found
