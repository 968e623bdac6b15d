"""What was told of since when, a document for each batch: the way from a run to what it published.

Written after the things themselves and their marks. The same batch again adds a document that says the same,
so things are counted by their keys. A document stays longer than any run can take.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from billing.models.told import Told
from shared.contracts.base import Observation, utc
from shared.mongo import Document, Index, Mongo

_COLLECTION = "arrivals"
_KEPT = timedelta(days=40)

ARRIVAL_INDEXES = (
    Index(_COLLECTION, [("integration_id", 1), ("newest", 1)]),
    Index(_COLLECTION, [("at", 1)], ttl=int(_KEPT.total_seconds())),
)


class Arrivals:
    """By integration and topic."""

    def __init__(self, mongo: Mongo, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._mongo, self._clock = mongo, clock

    async def note(self, tenant_id: str, told: Sequence[Told]) -> None:
        """Call it after the news is stored and marked; what no run publishes is not noted."""
        integrations: defaultdict[str, list[tuple[Told, Observation]]] = defaultdict(list)
        for one in told:
            if isinstance(one.news, Observation):
                integrations[one.news.integration_id].append((one, one.news))
        at = utc(self._clock())
        documents = [_document(name, some, at) for name, some in integrations.items()]
        await self._mongo.documents(_COLLECTION, tenant_id).insert_many(documents)

    async def counted(self, tenant_id: str, integration_id: str, revision: int) -> dict[str, int]:
        """By topic: how many things were told of with that revision or a larger one."""
        keys: defaultdict[str, set[str]] = defaultdict(set)
        async for row in self._since(tenant_id, integration_id, revision, ("topic", "keys", "revisions")):
            told = zip(row["keys"], row["revisions"], strict=True)
            keys[row["topic"]].update(key for key, own in told if own >= revision)
        return {topic: len(some) for topic, some in keys.items()}

    async def gone(self, tenant_id: str, integration_id: str, revision: int) -> set[str]:
        """What the things that were told to be absent belonged to."""
        rows = self._since(tenant_id, integration_id, revision, ("gone",))
        return {ref async for row in rows for ref in row["gone"]}

    def _since(
        self, tenant_id: str, integration_id: str, revision: int, fields: Sequence[str]
    ) -> AsyncGenerator[Document, None]:
        """One by one: a run may tell of a hundred thousand things."""
        since = {"integration_id": integration_id, "newest": {"$gte": revision}}
        return self._mongo.documents(_COLLECTION, tenant_id).stream(since, fields=fields)


def _document(integration_id: str, told: Sequence[tuple[Told, Observation]], at: datetime) -> Document:
    revisions = [one.revision for one, _ in told]
    return {
        "_id": uuid4().hex,
        "integration_id": integration_id,
        "topic": told[0][1].topic,
        "newest": max(revisions),
        "revisions": revisions,
        "keys": [one.key for one, _ in told],
        "gone": sorted({one.ref for one, news in told if not news.present}),
        "at": at,
    }
