"""What was observed, by collection: the newest of each thing, and in `observations` all that it replaced.

Both times are kept: when it was true (`observed_at`) and when it was learnt (`learnt_at`). The history holds
what was superseded, not what stands: a first run then costs one write for each thing, not two.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from billing.observations.change_notice import ChangeNotice
from billing.usage import refs
from shared.contracts import psa_sync, vendor_sync
from shared.contracts.auth import IntegrationChanged
from shared.contracts.base import State, utc
from shared.contracts.matcher import MappingDecided
from shared.contracts.vendor_sync import SubscriptionObserved
from shared.errors import Conflict, TransientError
from shared.mongo import Change, Document, Documents, Index, Mongo, Replace

COLLECTIONS: dict[type[State], str] = {
    vendor_sync.VendorAccountObserved: "vendor_accounts",
    vendor_sync.ServiceObserved: "vendor_services",
    vendor_sync.SubscriptionObserved: "subscriptions",
    psa_sync.PsaAccountObserved: "psa_accounts",
    psa_sync.ProductObserved: "products",
    psa_sync.AgreementLineObserved: "agreement_lines",
    MappingDecided: "mappings",
    IntegrationChanged: "integrations",
}
BY_TOPIC = {kind.topic: name for kind, name in COLLECTIONS.items()}
HISTORY = "observations"

_TRIES = 8
_MARKERS = ("revision", "moved_from")

OBSERVED_INDEXES = (
    *(Index(name, [("ref", 1)]) for kind, name in COLLECTIONS.items() if kind is not SubscriptionObserved),
    Index("mappings", [("mapped_to", 1)]),
    Index("agreement_lines", [("product_ref", 1)]),
)
"""None on subscriptions: there are many, and each index halves the rate at which they are stored. They are
found by their ids (`repository.members`, `repository.arrivals`)."""


class ObservationRepository:
    """Stores news forward-only; the same news again, or older news, changes nothing that stands."""

    def __init__(self, mongo: Mongo, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._mongo, self._clock = mongo, clock

    async def keep(self, tenant_id: str, told: Sequence[ChangeNotice]) -> set[str]:
        """Store news of one kind; returns refs that the things had before, should they have moved.

        Looks at the revisions first: nothing more is read or written for what is new or known already.
        Raises `TransientError` when others keep storing the same things.
        """
        name = COLLECTIONS[type(told[0].news)]
        rows, history = self._mongo.documents(name, tenant_id), self._mongo.documents(HISTORY, tenant_id)
        for _ in range(_TRIES):
            known = await _known(rows, told)
            plan = _planned(name, [one for one in told if _unlike(one, known)], known, utc(self._clock()))
            try:
                await _carried_out(plan, rows, history)
            except Conflict:  # another consumer stored one of them at this moment: look again
                continue
            return plan.moved_from.union(*(row["moved_from"] for row in known.values()))
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


async def _known(rows: Documents, told: Sequence[ChangeNotice]) -> dict[str, Document]:
    """What stands: whole where it differs, else only its markers."""
    known = await rows.get_many({one.key for one in told}, fields=_MARKERS)
    differing = {one.key for one in told if one.key in known and _unlike(one, known)}
    return known | (await rows.get_many(differing) if differing else {})


def _unlike(one: ChangeNotice, known: Mapping[str, Document]) -> bool:
    stands = known.get(one.key)
    return stands is None or stands["revision"] != one.revision


def _planned(name: str, told: Iterable[ChangeNotice], known: Mapping[str, Document], now: datetime) -> _Plan:
    plan = _Plan()
    by_key: defaultdict[str, dict[int, ChangeNotice]] = defaultdict(dict)
    for one in told:
        by_key[one.key][one.revision] = one
    for key, versions in by_key.items():
        if key not in known and len(versions) == 1:
            plan.new.append(_document(next(iter(versions.values())), now))
        else:
            _fold(plan, name, [_document(one, now) for one in versions.values()], known.get(key))
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
        plan.newer.append(Replace(where, newest))


def _with_past(newest: Document, older: Sequence[Document]) -> Document:
    """While the newest says absent, what was known before stays beside it (see `models.coverage.Kept`)."""
    before = None
    if not newest.get("present", True):
        before = next((row for row in reversed(older) if row["present"]), None)
    left = {ref for row in (*older, newest) for ref in row["moved_from"]}
    left |= {ref for row in older for ref in _places(row)}
    return {**newest, "before": before, "moved_from": sorted(left - _places(newest))}


def _places(row: Document) -> set[str]:
    """What it belongs to, and what it leads to."""
    return {ref for ref in (row["ref"], row.get("mapped_to")) if ref}


def _document(told: ChangeNotice, now: datetime) -> Document:
    mine: Document = {"_id": told.key, "ref": told.ref, "learnt_at": now, "before": None, "moved_from": []}
    if isinstance(told.news, MappingDecided):
        mine["mapped_to"] = refs.mapped_to(told.news)
    if isinstance(told.news, psa_sync.AgreementLineObserved):
        mine["product_ref"] = refs.product(told.news.integration_id, told.news.product_id)
    return told.news.model_dump(mode="json") | mine


def _history(name: str, row: Document) -> Document:
    kept = {field: value for field, value in row.items() if field not in ("before", "moved_from")}
    return kept | {"_id": history_id(name, row["_id"], row["revision"]), "key": row["_id"]}


def history_id(name: str, key: str, revision: int | None = None) -> str:
    """The id of a version; without a revision, what the ids of all versions of a thing begin with."""
    return f"{name}/{key}@{'' if revision is None else revision}"
