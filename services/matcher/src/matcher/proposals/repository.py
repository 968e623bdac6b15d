"""Proposals, refusals and what must be computed anew in the document store; only this knows their fields."""

# Invariant: a state and the message that tells of it are stored together, and by the newest pass alone. A
# pass takes a number when it begins; each of its transactions writes the row of that number, so that it
# conflicts with, and afterwards is refused by, a pass that began later:
#
#   pass 4 reads its inputs   pass 5 begins   4 stores: PassOvertaken     5 stores

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from matcher.catalogue.documents import integration_from, item_from
from matcher.catalogue.indexes import INTEGRATIONS
from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS, Item, ItemKind
from matcher.catalogue.repository import TenantCatalogue
from matcher.proposals.documents import (
    counts_document,
    counts_from,
    proposal_document,
    proposed_from,
    revised,
    stored_from,
)
from matcher.proposals.models import (
    DueRecomputation,
    PassOvertaken,
    ProposalInputs,
    ProposalPass,
    RefusalStatus,
    StoredCounts,
    StoredProposals,
)
from matcher.proposals.suggestions import PROPOSALS, MongoSuggestions
from shared.contracts.base import key_of
from shared.contracts.matcher import MappingDecision, MappingKind, MappingsProposed, ProposalRefused
from shared.mapping_counts import KindCounts
from shared.mongo import Index, Mongo, Put, Session
from shared.outbox import Outbox
from shared.runtime.clock import Clock, utc_now
from shared.work_queue import WorkQueue, work_queue_indexes

T = TypeVar("T")

REFUSALS = "proposal_refusals"
PASSES = "proposal_passes"
"""By tenant and kind, the number of the newest pass, and by which engine the last complete one computed."""
_WORK = "proposal_work"
_DECISIONS = "mappings"
"""Of the feature that rests on this one: by the same keys, what is decided."""
_MOST_WORK = 5000
"""Work items that one pass completes: what is beyond waits for the next."""

PROPOSAL_INDEXES = (
    *work_queue_indexes(_WORK),
    Index(PROPOSALS, [("tenant_id", 1), ("kind", 1), ("is_empty", 1), ("vendor_integration_id", 1)]),
    Index(PROPOSALS, [("tenant_id", 1), ("kind", 1), ("is_empty", 1), ("is_decided", 1)]),
    Index(PROPOSALS, [("tenant_id", 1), ("kind", 1), ("vendor_id", 1)]),
    Index(PROPOSALS, [("tenant_id", 1), ("kind", 1), ("psa_items", 1)]),
    Index(REFUSALS, [("tenant_id", 1), ("kind", 1)]),
)


def proposal_queue(mongo: Mongo, clock: Clock = utc_now) -> WorkQueue:
    """Returns the queue of kinds, each a lane, whose proposals must be computed anew."""
    return WorkQueue(mongo, clock=clock, collection=_WORK)


class MongoPasses:
    """What passes read and write, of all tenants."""

    def __init__(self, mongo: Mongo, outbox: Outbox, clock: Clock, *, engine_version: str = "") -> None:
        """`engine_version` is kept with what a pass computed (`engine_version.py`)."""
        self._mongo, self._outbox, self._clock = mongo, outbox, clock
        self._queue, self._engine_version = proposal_queue(mongo, clock), engine_version

    async def mark_outdated(self) -> None:
        computed = await self._mongo.all_tenants(PASSES).find(
            {"engine": self._engine_version}, fields=["_id"]
        )
        current = {row["_id"] for row in computed}
        for tenant_id in await self._mongo.all_tenants(INTEGRATIONS).distinct("tenant_id"):
            for kind in MappingKind:
                if _pass_id(tenant_id, kind) not in current:
                    await self._queue.enqueue(tenant_id, kind, [kind])

    async def due(self) -> list[DueRecomputation]:
        found = list[DueRecomputation]()
        for tenant_id in await self._queue.tenants(self._clock()):
            for kind in MappingKind:
                if work := await self._queue.read_due(tenant_id, lane=kind, limit=_MOST_WORK):
                    ends = work[0].enqueued_at, work[-1].enqueued_at
                    found.append(DueRecomputation(tenant_id, kind, *ends))
        return found

    async def begin(self, tenant_id: str, kind: MappingKind) -> ProposalPass:
        rows = self._mongo.documents(PASSES, tenant_id)
        id_ = _pass_id(tenant_id, kind)
        row = await rows.take({"_id": id_}, {"$inc": {"number": 1}}, upsert=True) or {"number": 0}
        work = await self._queue.read_due(tenant_id, lane=kind, limit=_MOST_WORK)
        return ProposalPass(tenant_id, kind, row["number"], [one.id for one in work])

    async def inputs(self, tenant_id: str, kind: MappingKind) -> ProposalInputs:
        integrations = await self._mongo.documents(INTEGRATIONS, tenant_id).find()
        of_kind, fields = {"kind": kind.value}, ["stands", "revision"]
        said = await self._mongo.documents(REFUSALS, tenant_id).find(of_kind, fields=fields)
        return ProposalInputs(
            integrations={row["integration_id"]: integration_from(row) for row in integrations},
            vendor_items=await self._usable(tenant_id, VENDOR_KINDS[kind]),
            psa_items=await self._usable(tenant_id, PSA_KINDS[kind]),
            refused={row["_id"] for row in said if row.get("stands", True)},
            refusals={row["_id"]: row.get("revision", 0) for row in said},
        )

    async def _usable(self, tenant_id: str, kind: ItemKind) -> list[Item]:
        rows = self._mongo.documents(kind, tenant_id).stream({"usable": True})
        return [item_from(kind, row) async for row in rows]

    async def stored(self, tenant_id: str, kind: MappingKind) -> dict[str, StoredProposals]:
        fields = ["revision", "digest", "is_empty", "best_per_mille"]
        rows = await self._mongo.documents(PROPOSALS, tenant_id).find({"kind": kind.value}, fields=fields)
        return {row["_id"]: stored_from(row) for row in rows}

    async def record(self, pass_: ProposalPass, stated: Sequence[MappingsProposed], at: datetime) -> None:
        by_key = {one.key: one for one in stated}

        async def store(session: Session) -> None:
            await self._require_newest(pass_, session)
            rows = self._mongo.documents(PROPOSALS, pass_.tenant_id)
            existing = await rows.get_many(by_key, fields=["revision"], session=session)
            revisions = {key: row["revision"] for key, row in existing.items()}
            await _replace(self._mongo, self._outbox, revised(by_key, revisions, at), session)

        if stated:
            await self._mongo.transaction(store)
            self._outbox.wake()

    async def retract(self, pass_: ProposalPass, keys: Sequence[str], at: datetime) -> None:
        rows = await self._mongo.documents(PROPOSALS, pass_.tenant_id).get_many(keys)
        nothing = [proposed_from(row).model_copy(update={"proposals": ()}) for _, row in sorted(rows.items())]
        await self.record(pass_, nothing, at)

    async def complete(self, pass_: ProposalPass, counts: Mapping[str, KindCounts]) -> None:
        same = {"_id": _pass_id(pass_.tenant_id, pass_.kind), "number": pass_.number}
        found = {"engine": self._engine_version, **counts_document(pass_.kind, counts)}
        await self._mongo.documents(PASSES, pass_.tenant_id).change(same, {"$set": found})
        await self._queue.complete(pass_.tenant_id, pass_.work_ids)

    async def counts(self) -> list[StoredCounts]:
        rows = await self._mongo.all_tenants(PASSES).find({"counts": {"$exists": True}})
        return [one for row in rows for one in counts_from(row)]

    async def _require_newest(self, pass_: ProposalPass, session: Session) -> None:
        row = {"_id": _pass_id(pass_.tenant_id, pass_.kind), "number": pass_.number}
        rows, write = self._mongo.documents(PASSES, pass_.tenant_id), {"$inc": {"transactions": 1}}
        if not await rows.change(row, write, session=session):
            raise PassOvertaken(
                f"a later pass over the {pass_.kind} proposals of {pass_.tenant_id} has begun"
            )


class MongoProposalUnit(TenantCatalogue):
    """What a person's question or refusal reads and writes."""

    def __init__(self, mongo: Mongo, outbox: Outbox, tenant_id: str, session: Session) -> None:
        super().__init__(mongo, tenant_id, session)
        self._outbox = outbox

    async def proposed(self, key: str) -> MappingsProposed | None:
        row = await self._rows(PROPOSALS).get(key, session=self._session)
        return proposed_from(row) if row else None

    async def replace(self, stated: MappingsProposed) -> None:
        await _replace(self._mongo, self._outbox, [stated], self._session)

    async def refusal(self, refusal_id: str) -> RefusalStatus | None:
        row = await self._rows(REFUSALS).get(refusal_id, session=self._session)
        return RefusalStatus(row.get("revision", 0), row.get("stands", True)) if row else None

    async def record_refusal(self, refusal_id: str, said: ProposalRefused) -> None:
        await self.restore_refusal(refusal_id, said)
        await self._outbox.add([said], session=self._session)

    async def restore_refusal(self, refusal_id: str, told: ProposalRefused) -> None:
        # What is taken back stays as a row: the next revision must be larger than its own.
        document = {"_id": refusal_id, **told.model_dump(mode="json")}
        await self._rows(REFUSALS).put(document, session=self._session)

    async def mark(self, kind: MappingKind) -> None:
        await proposal_queue(self._mongo).enqueue(self._tenant_id, kind, [kind], session=self._session)


class MongoProposals(MongoSuggestions):
    """The proposals of all tenants, as people ask for them."""

    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        super().__init__(mongo)
        self._outbox = outbox

    async def run(self, tenant_id: str, work: Callable[[MongoProposalUnit], Coroutine[Any, Any, T]]) -> T:
        async def in_session(session: Session) -> T:
            return await work(MongoProposalUnit(self._mongo, self._outbox, tenant_id, session))

        result = await self._mongo.transaction(in_session)
        self._outbox.wake()
        return result


async def _replace(
    mongo: Mongo, outbox: Outbox, stated: Iterable[MappingsProposed], session: Session
) -> None:
    made = list(stated)
    rows, decisions = [mongo.documents(name, made[0].tenant_id) for name in (PROPOSALS, _DECISIONS)]
    standing = {"decision": {"$ne": MappingDecision.REVOKED.value}}
    keys = [one.key for one in made if one.proposals]
    found = await decisions.find_in("_id", keys, where=standing, fields=["_id"], session=session)
    decided = {row["_id"] for row in found}
    documents = [proposal_document(one) | {"is_decided": one.key in decided} for one in made]
    await rows.bulk([Put(document) for document in documents], session=session)
    await outbox.add(made, session=session)


def _pass_id(tenant_id: str, kind: MappingKind) -> str:
    return key_of(tenant_id, kind)
