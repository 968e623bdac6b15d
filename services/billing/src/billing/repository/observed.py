"""What was observed, by collection: the newest of each thing, and in `observations` all that it replaced.

Both times are kept: when it was true (`observed_at`) and when it was learnt (`learnt_at`). The history holds
what was superseded, not what stands: a first run then costs one write for each thing, not two.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from billing.models import refs
from shared.contracts import psa_sync, vendor_sync
from shared.contracts.auth import IntegrationChanged
from shared.contracts.base import State, utc
from shared.contracts.matcher import MappingDecided
from shared.errors import Conflict, TransientError
from shared.mongo import Change, Document, Documents, Index, Mongo, Update

COLLECTIONS: dict[type[State], str] = {
    vendor_sync.AccountObserved: "vendor_accounts",
    vendor_sync.ServiceObserved: "vendor_services",
    vendor_sync.SubscriptionObserved: "subscriptions",
    psa_sync.AccountObserved: "psa_accounts",
    psa_sync.ProductObserved: "products",
    psa_sync.AgreementLineObserved: "agreement_lines",
    MappingDecided: "mappings",
    IntegrationChanged: "integrations",
}
BY_TOPIC = {kind.topic: name for kind, name in COLLECTIONS.items()}
HISTORY = "observations"

_TRIES = 8
_BY_REF = [("tenant_id", 1), ("ref", 1)]
_BY_REVISION = [("tenant_id", 1), ("integration_id", 1), ("revision", 1)]

OBSERVED_INDEXES = (
    *(Index(name, _BY_REF) for name in COLLECTIONS.values()),
    *(Index(COLLECTIONS[kind], _BY_REVISION) for kind in COLLECTIONS if "run_id" in kind.model_fields),
    Index("mappings", [("tenant_id", 1), ("mapped_to", 1)]),
    Index("agreement_lines", [("tenant_id", 1), ("product_ref", 1)]),
    Index(HISTORY, [("tenant_id", 1), ("key", 1), ("revision", 1)]),
)


class Observed:
    """Stores news forward-only; the same news again, or older news, changes nothing that stands."""

    def __init__(self, mongo: Mongo, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._mongo, self._clock = mongo, clock

    async def keep(self, tenant_id: str, news: Sequence[State]) -> set[str]:
        """Store news of one kind; returns refs that the things had before, should they have moved.

        Raises `TransientError` when others keep storing the same things.
        """
        name = COLLECTIONS[type(news[0])]
        rows, history = self._mongo.documents(name, tenant_id), self._mongo.documents(HISTORY, tenant_id)
        for _ in range(_TRIES):
            known = await rows.get_many({one.key for one in news})
            plan = _planned(name, news, known, utc(self._clock()))
            try:
                await _carried_out(plan, rows, history)
            except Conflict:  # another consumer stored one of them at this moment: look again
                continue
            return plan.moved_from
        raise TransientError(f"others are storing the same {name} of {tenant_id}")


@dataclass(slots=True)
class _Plan:
    """What a batch comes to, in the order in which it is written."""

    superseded: list[Document] = field(default_factory=list)
    new: list[Document] = field(default_factory=list)
    newer: list[Change] = field(default_factory=list)
    moved_from: set[str] = field(default_factory=set)


async def _carried_out(plan: _Plan, rows: Documents, history: Documents) -> None:
    """History first: killed after it, the same batch comes again and finds nothing lost."""
    if plan.superseded:
        await history.insert_new(plan.superseded)
    await rows.insert_many(plan.new)
    await rows.bulk(plan.newer)


def _planned(name: str, news: Iterable[State], known: dict[str, Document], now: datetime) -> _Plan:
    plan = _Plan()
    by_key: defaultdict[str, dict[int, State]] = defaultdict(dict)
    for one in news:
        by_key[one.key][one.revision] = one
    for key, versions in by_key.items():
        if key not in known and len(versions) == 1:
            plan.new.append(_document(next(iter(versions.values())), key, now))
        else:
            _fold(plan, name, [_document(one, key, now) for one in versions.values()], known.get(key))
    return plan


def _fold(plan: _Plan, name: str, arrived: list[Document], stands: Document | None) -> None:
    """Put what is known of one thing in order: the newest stands, the rest is history."""
    before = [stands, stands["before"]] if stands else []
    versions = {row["revision"]: row for row in (*arrived, *before) if row}
    ordered = [versions[revision] for revision in sorted(versions)]
    newest = _with_past(ordered[-1], ordered[:-1])
    arrived_too = {row["revision"] for row in arrived} - {stands["revision"] if stands else None}
    past = [row for row in ordered[:-1] if row["revision"] in arrived_too or row is stands]
    plan.superseded += [_history(name, row) for row in past]
    plan.moved_from |= set(newest["moved_from"])
    if stands is None:
        plan.new.append(newest)
    elif newest != stands:
        # not the revision that was read: what others stored in between is older, or this must not win
        where = {"_id": newest["_id"], "revision": {"$lte": newest["revision"]}}
        plan.newer.append(Update(where, {"$set": {name: newest[name] for name in newest if name != "_id"}}))


def _with_past(newest: Document, older: Sequence[Document]) -> Document:
    """While the newest says absent, what was known before stays beside it (see `models.coverage.Kept`)."""
    before = None
    if not newest.get("present", True):
        before = next((row for row in reversed(older) if row["present"]), None)
    left = {row["ref"] for row in older} | {ref for row in (*older, newest) for ref in row["moved_from"]}
    return {**newest, "before": before, "moved_from": sorted(left - {newest["ref"]})}


def _document(one: State, key: str, now: datetime) -> Document:
    mine: Document = {"_id": key, "ref": refs.ref_of(one), "learnt_at": now, "before": None, "moved_from": []}
    if isinstance(one, MappingDecided):
        mine["mapped_to"] = refs.mapped_to(one)
    if isinstance(one, psa_sync.AgreementLineObserved):
        mine["product_ref"] = refs.product(one.integration_id, one.product_id)
    return {**one.model_dump(mode="json"), **mine}


def _history(name: str, row: Document) -> Document:
    told = {key: value for key, value in row.items() if key not in ("_id", "before", "moved_from")}
    key = f"{name}/{row['_id']}"
    return {**told, "_id": f"{key}@{row['revision']}", "key": key}
