"""Keeps what was observed: the newest state of each thing, and in `observations` all that it replaced."""

# Invariant: in whatever order news comes, and however often, a thing's row is its newest state and the
# history holds every other state once. What stands is not in the history, so a first run costs one write for
# each thing.
#
#   row of revision 3, 5 and 4 and 3 arrive   → the row is 5, the history gets 3 and 4
#
# So every state that a manifest names is found: in the row, or in the history by its revision.
#
# A decision on a mapping is also entered into the audit log, in one transaction with its row. What is neither
# in the row nor in the history is new, so each decision is entered once, however late and often it comes:
#
#   row of revision 5, history 3   5, 3 and 4 arrive   → 4 is entered, and becomes history

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from billing.observations.change_notice import ChangeNotice, StoredNews, tells_evidence_alone
from billing.observations.ports import DecisionWatcher
from billing.usage.ref import Ref, RefKind, billed_as
from shared.contracts import psa_sync, vendor_sync
from shared.contracts.auth import IntegrationChanged
from shared.contracts.base import State, utc
from shared.contracts.matcher import MappingDecided
from shared.contracts.vendor_sync import SubscriptionObserved
from shared.errors import Conflict, TransientError
from shared.mongo import Change, Document, Documents, Index, Mongo, Replace, Session
from shared.runtime.clock import Clock, utc_now

OBSERVED: dict[type[State], str] = {
    vendor_sync.VendorAccountObserved: "vendor_accounts",
    vendor_sync.ServiceObserved: "vendor_services",
    vendor_sync.SubscriptionObserved: "subscriptions",
    psa_sync.PsaAccountObserved: "psa_accounts",
    psa_sync.ProductObserved: "products",
    psa_sync.AgreementLineObserved: "agreement_lines",
    MappingDecided: "mappings",
    IntegrationChanged: "integrations",
}
"""The states that usage lines rest on, each with the collection that keeps it."""
BY_TOPIC = {model.topic: name for model, name in OBSERVED.items()}
HISTORY = "observations"
ALSO_BILLED_AS = "also_billed_as"
"""The field of a mapping that holds the products of its rules, beside the one that it is `mapped_to`."""

_TRIES = 8
_MARKERS = ("revision", "moved_from")

OBSERVED_INDEXES = (
    *(Index(name, [("ref", 1)]) for model, name in OBSERVED.items() if model is not SubscriptionObserved),
    Index("mappings", [("mapped_to", 1)]),
    Index("mappings", [(ALSO_BILLED_AS, 1)], where={ALSO_BILLED_AS: {"$exists": True}}),
    Index("agreement_lines", [("product_ref", 1)]),
    Index(HISTORY, [("product_ref", 1)], where={"product_ref": {"$type": "string"}}),
)
"""None on subscriptions: there are many, and each index halves the rate at which they are stored. They are
found by their ids, which manifests name."""


class ObservationRepository:
    """Stores news forward-only: the same news again, or older news, changes nothing that stands."""

    def __init__(
        self, mongo: Mongo, *, clock: Clock = utc_now, watcher: DecisionWatcher | None = None
    ) -> None:
        """`watcher` is told of each new decision on a mapping, in the transaction that stores it."""
        self._mongo, self._clock, self._watcher = mongo, clock, watcher

    async def store(self, tenant_id: str, notices: Sequence[ChangeNotice]) -> StoredNews:
        """Stores news of one kind, forward-only.

        Only the revisions are read at first: a new thing needs no more, and one of the same revision is left
        as it is. Raises `TransientError` when others keep storing the same things.
        """
        name = OBSERVED[type(notices[0].news)]
        if self._watcher and isinstance(notices[0].news, MappingDecided):
            return await self._store_watched(tenant_id, notices, self._watcher)
        rows, history = self._mongo.documents(name, tenant_id), self._mongo.documents(HISTORY, tenant_id)
        for _ in range(_TRIES):
            existing = await _existing(rows, notices)
            changed = [notice for notice in notices if _differs(notice, existing)]
            plan = _plan(name, changed, existing, utc(self._clock()))
            try:
                # History first: killed after it, the same batch comes again and nothing is lost.
                if plan.superseded:
                    await history.insert_new(plan.superseded)
                await rows.insert_many(plan.new)
                await rows.bulk(plan.newer)
            except Conflict:  # another consumer stored one of them at this moment: look again
                continue
            moved_from = plan.moved_from.union(*(row["moved_from"] for row in existing.values()))
            affecting = [
                notice
                for notice in notices
                if not tells_evidence_alone(notice.news, existing.get(notice.key))
            ]
            return StoredNews({Ref.decode(text) for text in moved_from}, affecting)
        raise TransientError(f"others are storing the same {name} of {tenant_id}")

    async def _store_watched(
        self, tenant_id: str, notices: Sequence[ChangeNotice], watcher: DecisionWatcher
    ) -> StoredNews:
        name = OBSERVED[MappingDecided]
        rows, history = self._mongo.documents(name, tenant_id), self._mongo.documents(HISTORY, tenant_id)

        async def work(session: Session) -> set[str]:
            existing = await _existing(rows, notices, session)
            changed = [notice for notice in notices if _differs(notice, existing)]
            plan = _plan(name, changed, existing, utc(self._clock()))
            ids = {row["_id"] for row in plan.superseded}
            kept = await history.get_many(ids, fields=["revision"], session=session)
            new = {history_id(name, one.key, one.revision): one.news for one in changed}
            decisions = [
                one for id_, one in new.items() if id_ not in kept and isinstance(one, MappingDecided)
            ]
            # First, for a rival conflicts here.
            await watcher.enter(tenant_id, decisions, session=session)
            superseded = {row["_id"]: row for row in plan.superseded if row["_id"] not in kept}
            await history.insert_many(superseded.values(), session=session)
            await rows.insert_many(plan.new, session=session)
            await rows.bulk(plan.newer, session=session)
            return plan.moved_from.union(*(row["moved_from"] for row in existing.values()))

        for _ in range(_TRIES):
            try:
                async with watcher.tenant_lock(tenant_id):
                    moved_from = await self._mongo.transaction(work)
                    return StoredNews({Ref.decode(text) for text in moved_from}, list(notices))
            except Conflict:  # another consumer stored one of them at this moment: look again
                continue
        raise TransientError(f"others are storing the same {name} of {tenant_id}")


@dataclass(slots=True)
class _WritePlan:
    """What a batch changes, in the order in which it is written."""

    superseded: list[Document] = field(default_factory=list)
    new: list[Document] = field(default_factory=list)
    newer: list[Change] = field(default_factory=list)
    moved_from: set[str] = field(default_factory=set)


async def _existing(
    rows: Documents, notices: Sequence[ChangeNotice], session: Session | None = None
) -> dict[str, Document]:
    """The rows of these things: whole where the news differs, else only their markers."""
    markers = await rows.get_many({notice.key for notice in notices}, fields=_MARKERS, session=session)
    differing = {notice.key for notice in notices if notice.key in markers and _differs(notice, markers)}
    return markers | await rows.get_many(differing, session=session)


def _differs(notice: ChangeNotice, existing: Mapping[str, Document]) -> bool:
    row = existing.get(notice.key)
    return row is None or row["revision"] != notice.revision


def _plan(
    name: str, notices: Iterable[ChangeNotice], existing: Mapping[str, Document], now: datetime
) -> _WritePlan:
    plan = _WritePlan()
    by_key: defaultdict[str, dict[int, ChangeNotice]] = defaultdict(dict)
    for notice in notices:
        by_key[notice.key][notice.revision] = notice
    for key, versions in by_key.items():
        arrived = [_document(notice, now) for notice in versions.values()]
        row = existing.get(key)
        if row is None and len(arrived) == 1:
            plan.new += arrived  # a first run is nothing but these: spare it the sorting
        else:
            _fold(plan, name, arrived, row)
    return plan


def _fold(plan: _WritePlan, name: str, arrived: Sequence[Document], row: Document | None) -> None:
    """Puts the states of one thing in order: the newest stands, the others are history."""
    versions = {version["revision"]: version for version in (*arrived, row) if version}
    ordered = [versions[revision] for revision in sorted(versions)]
    newest = _with_past(ordered[-1], ordered[:-1])
    plan.superseded += [_history_document(name, version) for version in ordered[:-1]]
    plan.moved_from |= set(newest["moved_from"])
    if row is None:
        plan.new.append(newest)
    elif newest != row:
        # Not only the revision that was read: what others stored in between is older, or this must not win.
        older = {"_id": newest["_id"], "revision": {"$lte": newest["revision"]}}
        plan.newer.append(Replace(older, newest))


def _with_past(newest: Document, older: Sequence[Document]) -> Document:
    """The newest state, with all refs that it left."""
    left = {ref for version in (*older, newest) for ref in version["moved_from"]}
    left |= {ref for version in older for ref in _refs_of(version)}
    return {**newest, "moved_from": sorted(left - _refs_of(newest))}


def _refs_of(version: Document) -> set[str]:
    """What the thing belongs to, and what it leads to."""
    refs = version["ref"], version.get("mapped_to"), *version.get(ALSO_BILLED_AS, ())
    return {ref for ref in refs if ref}


def _billed_as(mapping: MappingDecided) -> Document:
    """What a mapping leads to; the products of its rules only where there are rules, which few have."""
    target, *also = (ref.encode() for ref in billed_as(mapping)) if mapping.psa_id else (None,)
    return {"mapped_to": target} | ({ALSO_BILLED_AS: also} if also else {})


def _document(notice: ChangeNotice, now: datetime) -> Document:
    """The message's own fields, and those that the row is found and folded by."""
    own: Document = {
        "_id": notice.key,
        "ref": notice.subject.encode(),
        "learnt_at": now,
        "moved_from": [],
    }
    if isinstance(notice.news, MappingDecided):
        own |= _billed_as(notice.news)
    if isinstance(notice.news, psa_sync.AgreementLineObserved):
        line = notice.news
        own["product_ref"] = Ref(RefKind.PSA_PRODUCT, line.integration_id, line.product_id).encode()
    return notice.news.model_dump(mode="json") | own


def _history_document(name: str, version: Document) -> Document:
    content = {field: value for field, value in version.items() if field != "moved_from"}
    return content | {"_id": history_id(name, version["_id"], version["revision"]), "key": version["_id"]}


def history_id(name: str, key: str, revision: int | None = None) -> str:
    """The id of a state; without a revision, what the ids of all states of a thing begin with."""
    return f"{name}/{key}@{'' if revision is None else revision}"
