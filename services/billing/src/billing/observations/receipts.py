"""Records which things there was news of since when: the way from a run to what it published."""

# A run says how many things of each topic it published; it is closed when as many were received. A batch that
# is delivered again adds a second receipt of the same things, so things are counted by their keys; one that
# was published again since has a larger revision, and still counts for the older run.
#
#   {keys [a, b], revisions [11, 12]}, {keys [b], revisions [12]}   since 12 → {b} → 1

from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from billing.observations.change_notice import ChangeNotice
from billing.usage.ref import Ref
from shared.contracts.base import Observation, utc
from shared.mongo import Document, Index, Mongo

_COLLECTION = "arrivals"
_TIME_TO_LIVE = timedelta(days=40)
"""Longer than any run can take."""
_CACHED_COUNTS = 1000
"""More than runs wait at once; a count that was dropped is only read again."""

_CountKey = tuple[str, str, int]
"""Tenant, integration and first revision."""

RECEIPT_INDEXES = (
    Index(_COLLECTION, [("integration_id", 1), ("newest", 1)]),
    Index(_COLLECTION, [("at", 1)], ttl=_TIME_TO_LIVE),
)


class Receipts:
    """Writes receipts, and counts what they name."""

    def __init__(
        self,
        mongo: Mongo,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        cached_counts: int = _CACHED_COUNTS,
    ) -> None:
        self._mongo, self._clock, self._cached_counts = mongo, clock, cached_counts
        self._counts: dict[_CountKey, tuple[int, dict[str, int]]] = {}

    async def record(self, tenant_id: str, notices: Sequence[ChangeNotice]) -> None:
        """Call it after the news is stored and queued; what no run publishes is not recorded."""
        integrations: defaultdict[str, list[tuple[ChangeNotice, Observation]]] = defaultdict(list)
        for notice in notices:
            if isinstance(notice.news, Observation):
                integrations[notice.news.integration_id].append((notice, notice.news))
        at = utc(self._clock())
        documents = [_document(integration_id, batch, at) for integration_id, batch in integrations.items()]
        await self._mongo.documents(_COLLECTION, tenant_id).insert_new(documents)

    async def counts(self, tenant_id: str, integration_id: str, revision: int) -> dict[str, int]:
        """By topic: of how many things there was news with that revision or a larger one.

        Receipts are only added: while there are as many as at the last look, none is read again.
        """
        key = tenant_id, integration_id, revision
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        receipts = await rows.count(_since(integration_id, revision))
        receipts_read, counts = self._counts.pop(key, (0, {}))
        if receipts_read != receipts:
            counts = await self._read_counts(*key)
        # Put back at the end: the first in the dictionary is the one that was asked for longest ago.
        self._counts[key] = receipts, counts
        if len(self._counts) > self._cached_counts:
            self._counts.pop(next(iter(self._counts)))
        return counts

    async def gone(self, tenant_id: str, integration_id: str, revision: int) -> set[Ref]:
        """What the things belonged to that were said to be absent with that revision or a larger one."""
        rows = self._stream(tenant_id, integration_id, revision, ("gone",))
        return {Ref.decode(text) for text in {text async for row in rows for text in row["gone"]}}

    async def _read_counts(self, tenant_id: str, integration_id: str, revision: int) -> dict[str, int]:
        keys: defaultdict[str, set[str]] = defaultdict(set)
        async for row in self._stream(tenant_id, integration_id, revision, ("topic", "keys", "revisions")):
            versions = zip(row["keys"], row["revisions"], strict=True)
            keys[row["topic"]].update(key for key, own in versions if own >= revision)
        return {topic: len(of_topic) for topic, of_topic in keys.items()}

    def _stream(
        self, tenant_id: str, integration_id: str, revision: int, fields: Sequence[str]
    ) -> AsyncGenerator[Document, None]:
        """Row by row: a run may publish a hundred thousand things."""
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        return rows.stream(_since(integration_id, revision), fields=fields)


def _since(integration_id: str, revision: int) -> Document:
    return {"integration_id": integration_id, "newest": {"$gte": revision}}


def _document(
    integration_id: str, batch: Sequence[tuple[ChangeNotice, Observation]], at: datetime
) -> Document:
    revisions = [notice.revision for notice, _ in batch]
    return {
        "_id": uuid4().hex,
        "integration_id": integration_id,
        "topic": batch[0][1].topic,
        "newest": max(revisions),
        "revisions": revisions,
        "keys": [notice.key for notice, _ in batch],
        "gone": sorted({notice.subject.encode() for notice, news in batch if not news.present}),
        "at": at,
    }
