"""What was told of since when, a document for each batch: the way from a run to what it published.

Written after the things themselves and their marks. The same batch again adds a document that says the same,
so things are counted by their keys. A document stays longer than any run can take.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from billing.observations.change_notice import ChangeNotice
from shared.contracts.base import Observation, utc
from shared.mongo import Document, Index, Mongo

_COLLECTION = "arrivals"
_KEPT = timedelta(days=40)
_REMEMBERED = 1000
"""Counts: more than runs wait at once; one that was forgotten is only counted again."""

_Since = tuple[str, str, int]

ARRIVAL_INDEXES = (
    Index(_COLLECTION, [("integration_id", 1), ("newest", 1)]),
    Index(_COLLECTION, [("at", 1)], ttl=_KEPT),
)


class Receipts:
    """By integration and topic."""

    def __init__(
        self,
        mongo: Mongo,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        remembered: int = _REMEMBERED,
    ) -> None:
        self._mongo, self._clock, self._remembered = mongo, clock, remembered
        self._counts: dict[_Since, tuple[int, dict[str, int]]] = {}

    async def note(self, tenant_id: str, told: Sequence[ChangeNotice]) -> None:
        """Call it after the news is stored and marked; what no run publishes is not noted."""
        integrations: defaultdict[str, list[tuple[ChangeNotice, Observation]]] = defaultdict(list)
        for one in told:
            if isinstance(one.news, Observation):
                integrations[one.news.integration_id].append((one, one.news))
        at = utc(self._clock())
        documents = [_document(name, some, at) for name, some in integrations.items()]
        await self._mongo.documents(_COLLECTION, tenant_id).insert_many(documents)

    async def counted(self, tenant_id: str, integration_id: str, revision: int) -> dict[str, int]:
        """By topic: how many things were told of with that revision or a larger one.

        Documents are only added: while there are as many as at the last look, none is read again.
        """
        place = tenant_id, integration_id, revision
        number = await self._mongo.documents(_COLLECTION, tenant_id).count(_wanted(integration_id, revision))
        read, counts = self._counts.pop(place, (0, {}))
        if read != number:
            counts = await self._count(*place)
        self._counts[place] = number, counts
        if len(self._counts) > self._remembered:
            self._counts.pop(next(iter(self._counts)))
        return counts

    async def gone(self, tenant_id: str, integration_id: str, revision: int) -> set[str]:
        """What the things that were told to be absent belonged to."""
        rows = self._since(tenant_id, integration_id, revision, ("gone",))
        return {ref async for row in rows for ref in row["gone"]}

    async def _count(self, tenant_id: str, integration_id: str, revision: int) -> dict[str, int]:
        keys: defaultdict[str, set[str]] = defaultdict(set)
        async for row in self._since(tenant_id, integration_id, revision, ("topic", "keys", "revisions")):
            told = zip(row["keys"], row["revisions"], strict=True)
            keys[row["topic"]].update(key for key, own in told if own >= revision)
        return {topic: len(some) for topic, some in keys.items()}

    def _since(
        self, tenant_id: str, integration_id: str, revision: int, fields: Sequence[str]
    ) -> AsyncGenerator[Document, None]:
        """One by one: a run may tell of a hundred thousand things."""
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        return rows.stream(_wanted(integration_id, revision), fields=fields)


def _wanted(integration_id: str, revision: int) -> Document:
    return {"integration_id": integration_id, "newest": {"$gte": revision}}


def _document(
    integration_id: str, told: Sequence[tuple[ChangeNotice, Observation]], at: datetime
) -> Document:
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
