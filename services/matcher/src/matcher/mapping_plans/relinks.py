"""Makes a plan that moves mappings from one PSA to another; nothing is decided by it."""

# Invariant: every approved mapping to the old PSA has one row: an item of the new one with the reason for it,
# or the reason why there is none, which stays open. Mappings that a person left out or that stay open keep
# pointing at the old PSA.

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from matcher.catalogue.items import PSA_KINDS, IntegrationInfo
from matcher.catalogue.lookups import disconnected_sentence
from matcher.mapping_plans.imports import row_of
from matcher.mapping_plans.models import (
    MappingPlan,
    PlanRefused,
    PlanRow,
    PlanSource,
    RowOutcome,
    StandingDecision,
    WantedDecision,
)
from matcher.mapping_plans.plan_draft import PlanDraft, PlanOrder
from matcher.mapping_plans.ports import PlanDrafts, PlanReader
from matcher.mapping_plans.succession import SuccessionIndex, Successor
from matcher.mapping_plans.usability import require_usable
from matcher.mappings.models import PsaItemRef
from matcher.proposals.models import RankedItem
from matcher.proposals.ports import ProposalEngine
from shared.contracts.base import Side, key_of
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, MappingMethod
from shared.errors import NotFound
from shared.runtime.clock import Clock

_REASON_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class RelinkRequest:
    """From which PSA to which; a PSA that is gone may be named by provider and realm."""

    tenant_id: str
    by: str
    to_integration_id: str
    from_integration_id: str | None = None
    from_provider: str = ""
    from_realm: str = ""


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of PSA."""

    old: tuple[str, str]
    """Provider and realm."""
    new: IntegrationInfo
    title: str


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The items of both PSAs of one kind, and what those without an equal are like."""

    index: SuccessionIndex
    ranked: Mapping[str, Sequence[RankedItem]]


class RelinkService:
    """Proposes for each mapping to one PSA what it becomes in another."""

    def __init__(
        self, drafts: PlanDrafts, engine: ProposalEngine, clock: Clock, new_id: Callable[[], str]
    ) -> None:
        self._drafts, self._engine, self._clock, self._new_id = drafts, engine, clock, new_id

    async def plan(self, request: RelinkRequest) -> MappingPlan:
        """Raises `NotFound` for a PSA that is not known, and `PlanRefused` when the new one is no other."""
        reader = self._drafts.reader(request.tenant_id)
        change = _change(request, await reader.integrations())
        order = PlanOrder(
            request.tenant_id, self._new_id(), PlanSource.RELINK, change.title, request.by, self._clock()
        )
        draft = PlanDraft(self._drafts, order)
        comparisons = {kind: await self._compare(reader, kind, change) for kind in MappingKind}
        async for mappings in reader.mapped_to(*change.old):
            for kind in MappingKind:
                of_kind = [one for one in mappings if one.kind is kind]
                successors = await _successors(reader, change, comparisons[kind], of_kind)
                first = draft.rows + 1
                rows = [
                    _row(one, successors[one.key], change, first + place) for place, one in enumerate(of_kind)
                ]
                await draft.add(await require_usable(reader, rows))
        return await draft.publish()

    async def _compare(self, reader: PlanReader, kind: MappingKind, change: _Change) -> _Comparison:
        """Ranks once for all: the engine is a process, which takes a while to start."""
        integrations = await reader.integrations()
        old_ids = [id_ for id_, one in integrations.items() if (one.provider, one.realm) == change.old]
        old = [item for id_ in old_ids for item in await reader.usable_items(PSA_KINDS[kind], id_)]
        new = await reader.usable_items(PSA_KINDS[kind], change.new.integration_id)
        index = SuccessionIndex.of(old, new)
        unlike = [item for item in old if not index.by_equality(item)]
        return _Comparison(
            index, (await self._engine.rank(kind, unlike, new)).ranked if unlike and new else {}
        )


async def _successors(
    reader: PlanReader, change: _Change, comparison: _Comparison, mappings: Sequence[MappingDecided]
) -> dict[str, Successor]:
    """Returns the successor of what each mapping, all of one kind, is mapped to, by the mapping's key."""
    if not mappings:
        return {}
    kind, index = mappings[0].kind, comparison.index
    old_items = {item.key: item for item in await reader.items(PSA_KINDS[kind], set(map(_psa_key, mappings)))}
    former = await reader.former_targets([one.key for one in mappings], change.new.integration_id)
    found: dict[str, Successor] = {}
    for one in mappings:
        old, before = old_items.get(_psa_key(one)), former.get(one.key)
        item = index.by_key.get(_item_key(change.new, before[0])) if before else None
        if item and before:
            found[one.key] = Successor(item, f"mapped to it before, on {before[1].date().isoformat()}")
        elif old is None:
            sentence = f"what {one.psa_id} was in the old PSA is not known: choose by hand"
            found[one.key] = Successor(None, sentence)
        else:
            ranked = comparison.ranked.get(old.key, ())
            found[one.key] = index.by_equality(old) or index.by_likeness(old, ranked)
    return found


def _change(request: RelinkRequest, integrations: dict[str, IntegrationInfo]) -> _Change:
    psas = {id_: one for id_, one in integrations.items() if one.side is Side.PSA}
    new = psas.get(request.to_integration_id)
    if new is None:
        raise NotFound(
            f"there is no PSA integration {request.to_integration_id}: ask auth for those there are"
        )
    if not new.connected:
        raise PlanRefused(disconnected_sentence(new))
    old, former = (request.from_provider, request.from_realm), request.from_realm
    if request.from_integration_id:
        known = psas.get(request.from_integration_id)
        if known is None:
            raise NotFound(
                f"there is no PSA integration {request.from_integration_id}: name it by `from_provider` and"
                " `from_realm` if it is gone"
            )
        old, former = (known.provider, known.realm), known.name
    if old == (new.provider, new.realm):
        raise PlanRefused(
            "both are the same PSA, and its mappings outlive reconnecting: nothing is to be moved"
        )
    return _Change(old, new, f"moved from {former} to {new.name}"[:_REASON_CHARACTERS])


def _row(mapping: MappingDecided, successor: Successor, change: _Change, number: int) -> PlanRow:
    why = successor.words if successor.item is None else _rules_left_behind(mapping)
    if successor.item is None or why:
        return PlanRow(
            number=number,
            outcome=RowOutcome.OPEN,
            kind=mapping.kind,
            vendor_integration_id=mapping.vendor_integration_id,
            vendor_id=mapping.vendor_id,
            key=mapping.key,
            standing=StandingDecision.of(mapping),
            sentence=why,
        )
    target, rules = PsaItemRef(successor.item.integration_id, successor.item.id), mapping.rules
    wanted = WantedDecision(MappingDecision.APPROVED, MappingMethod.MANUAL, target, change.title, rules)
    return row_of(mapping, wanted, number, successor.words)


def _rules_left_behind(mapping: MappingDecided) -> str:
    """Returns why rules cannot be moved by themselves; empty when they name nothing of the old PSA."""
    named = sorted(mapping.rules.product_ids) if mapping.rules else []
    return f"its rules name {', '.join(named[:5])} of the old PSA: move it by hand" if named else ""


def _psa_key(mapping: MappingDecided) -> str:
    return key_of(mapping.tenant_id, mapping.psa_integration_id or "", mapping.psa_id or "")


def _item_key(psa: IntegrationInfo, ref: PsaItemRef) -> str:
    return key_of(psa.tenant_id, psa.integration_id, ref.id)
