"""What passes over proposals need, in memory, and the engine in this very process."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from matcher_store import MemoryStore

from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS, Item, ItemKind
from matcher.proposals.engine_worker import EngineWorker
from matcher.proposals.index_mirror import IndexMirror
from matcher.proposals.models import (
    DueRecomputation,
    EngineAnswer,
    PassOvertaken,
    ProposalInputs,
    ProposalPass,
    StoredCounts,
    StoredProposals,
    digest_of,
    next_proposal_revision,
)
from shared.contracts.matcher import MappingKind, MappingsProposed
from shared.mapping_counts import KindCounts
from shared.runtime.clock import Clock


class EngineHere:
    """Ranks without a process; counts how often it was asked, and for how many items it answered."""

    def __init__(self) -> None:
        self.calls, self.answered = 0, 0
        self._mirror, self._worker = IndexMirror(), EngineWorker()

    async def rank(
        self,
        kind: MappingKind,
        vendor: Sequence[Item],
        psa: Sequence[Item],
        *,
        since: str | None = None,
        wanted: Collection[str] = (),
    ) -> EngineAnswer:
        self.calls += 1
        planned = self._mirror.plan(kind, vendor, psa, since=since, wanted=wanted)
        ranked = self._worker.answer(planned.task)
        self.answered += len(ranked)
        return EngineAnswer(ranked, planned.token, planned.is_whole)


class MemoryPasses:
    """Passes on the rows of the store in memory."""

    def __init__(self, store: MemoryStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def mark_outdated(self) -> None:
        for state in self._store.tenants.values():
            state.mark(set(MappingKind) - state.passes.keys())

    async def due(self) -> list[DueRecomputation]:
        return [
            DueRecomputation(tenant_id, MappingKind(kind), self._clock(), self._clock())
            for tenant_id, state in self._store.tenants.items()
            for kind in dict.fromkeys(mark.lane for mark in state.marks)
        ]

    async def begin(self, tenant_id: str, kind: MappingKind) -> ProposalPass:
        state = self._store.of(tenant_id)
        state.passes[kind] = state.passes.get(kind, 0) + 1
        work = [mark.id for mark in state.marks if mark.lane == kind]
        return ProposalPass(tenant_id, kind, state.passes[kind], work)

    async def inputs(self, tenant_id: str, kind: MappingKind) -> ProposalInputs:
        state = self._store.of(tenant_id)

        def usable(item_kind: ItemKind) -> list[Item]:
            return [item for item in state.items_of(item_kind) if item.usable]

        return ProposalInputs(
            dict(state.integrations), usable(VENDOR_KINDS[kind]), usable(PSA_KINDS[kind]), frozenset(), {}
        )

    async def stored(self, tenant_id: str, kind: MappingKind) -> dict[str, StoredProposals]:
        rows = self._store.of(tenant_id).proposals
        return {
            key: StoredProposals(one.revision, digest_of(one), not one.proposals, _best(one))
            for key, one in rows.items()
            if one.kind is kind
        }

    async def record(self, pass_: ProposalPass, stated: Sequence[MappingsProposed], at: datetime) -> None:
        state = self._store.of(pass_.tenant_id)
        if state.passes[pass_.kind] != pass_.number:
            raise PassOvertaken("a later pass has begun")
        for one in stated:
            existing = state.proposals.get(one.key)
            revision = next_proposal_revision(existing.revision if existing else None, at)
            state.proposals[one.key] = one.model_copy(update={"revision": revision})
            state.published.append(state.proposals[one.key])

    async def retract(self, pass_: ProposalPass, keys: Sequence[str], at: datetime) -> None:
        rows = self._store.of(pass_.tenant_id).proposals
        await self.record(pass_, [rows[key].model_copy(update={"proposals": ()}) for key in keys], at)

    async def complete(self, pass_: ProposalPass, counts: Mapping[str, KindCounts]) -> None:
        state = self._store.of(pass_.tenant_id)
        state.marks = [mark for mark in state.marks if mark.id not in pass_.work_ids]
        if state.passes[pass_.kind] == pass_.number:
            state.counts[pass_.kind] = dict(counts)

    async def counts(self) -> list[StoredCounts]:
        return [
            StoredCounts(tenant_id, kind, id_, counts)
            for tenant_id, state in self._store.tenants.items()
            for kind, by_integration in state.counts.items()
            for id_, counts in by_integration.items()
        ]


def _best(stated: MappingsProposed) -> int:
    return max((one.probability_per_mille for one in stated.proposals), default=0)
