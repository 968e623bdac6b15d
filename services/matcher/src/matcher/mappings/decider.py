"""Decides on one vendor item, as a person asks for it, inside a unit of work."""

# Invariant: everything is judged before anything is written, so a refusal leaves the unit of work as it was,
# and others of the same unit of work go on. Whoever says which revision they saw decides on that one alone:
#
#   stands r7   ann: exclude, saw r7 → r8 excluded     bob: map, saw r7 → refused with r8, who and when
#   stands r8   ann: exclude, for the same reason → r8, unchanged: a repeated request is no second decision

from datetime import datetime

from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS, Item
from matcher.catalogue.lookups import find_connected_integration, find_integration, find_item
from matcher.mappings.decisions import (
    Decision,
    PsaMatch,
    apply_decision,
    mapping_key,
    same_decision,
    undoing_decision,
)
from matcher.mappings.models import (
    NO_RULES,
    ChosenItemMissing,
    DecisionOutcome,
    DecisionRefusal,
    DecisionRefused,
    Exclude,
    ItemDecision,
    MapTo,
    OutcomeStatus,
    PsaItemRef,
    Revoke,
    Undo,
)
from matcher.mappings.ports import DecisionUnit
from matcher.mappings.rules_judge import RulesJudge
from shared.contracts.base import Side
from shared.contracts.mapping_rules import MappingRules
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, MappingMethod
from shared.errors import Conflict, NotFound


async def decide(unit: DecisionUnit, request: ItemDecision, at: datetime) -> DecisionOutcome:
    """Stores and publishes the decision, unless the same stands already.

    Raises `NotFound` for an item, an integration or a decision that is not there, and `DecisionRefused`.
    """
    kind = request.item.kind
    vendor = await find_integration(unit, request.item.vendor_integration_id, Side.VENDOR)
    item = await find_item(unit, VENDOR_KINDS[kind], vendor, request.item.vendor_id)
    key = mapping_key(vendor, kind, item.id)
    existing = (await unit.mappings([key])).get(key)
    _require_expected(request, item, existing)
    decision, chosen = _decision_of(request, item, existing)
    target = await _find_target(unit, kind, chosen, existing) if chosen else None
    mapping = apply_decision(vendor, item, decision, target=target, existing=existing, at=at)
    if existing and not isinstance(request.choice, Undo) and same_decision(existing, mapping):
        return DecisionOutcome(OutcomeStatus.UNCHANGED, existing)
    await _require_proposed(unit, request, mapping, existing)
    await RulesJudge(unit, vendor, existing).require(mapping, target)
    await unit.record_mappings([mapping], existing={key: existing} if existing else {})
    if mapping.method is MappingMethod.EXACT:  # the rule may find by now that it was ambiguous, or another's
        await unit.enqueue(item.kind, [item.key])
    return DecisionOutcome(OutcomeStatus.DONE, mapping)


def _require_expected(request: ItemDecision, item: Item, existing: MappingDecided | None) -> None:
    expected, subject = request.expected_revision, f"{item.kind.display_name} {item.id} ({item.name})"
    if expected is None or expected == (existing.revision if existing else 0):
        return
    if existing is None:
        sentence = f"nothing is decided on {subject}: decide anew, on revision 0"
    else:
        state = "mapped to " + (existing.psa_id or "") if existing.psa_id else existing.decision.value
        sentence = (
            f"{subject} was decided on meanwhile: {state} by {existing.decided_by} at"
            f" {existing.decided_at.isoformat()}; look at it and decide anew, on revision {existing.revision}"
        )
    raise DecisionRefused(sentence, DecisionRefusal.DECIDED_MEANWHILE, existing)


async def _require_proposed(
    unit: DecisionUnit, request: ItemDecision, mapping: MappingDecided, existing: MappingDecided | None
) -> None:
    match request.choice:
        case MapTo(target, MappingMethod.PROPOSAL):
            if not await unit.is_proposed(mapping.key, target.integration_id, target.id):
                sentence = (
                    f"{mapping.kind} {target.id} is not, or no longer, proposed for {mapping.vendor_id}: look"
                    " at what is proposed now, or choose it by hand with the method `manual`"
                )
                raise DecisionRefused(sentence, DecisionRefusal.NOT_PROPOSED, existing)


def _decision_of(
    request: ItemDecision, item: Item, existing: MappingDecided | None
) -> tuple[Decision, PsaItemRef | None]:
    """Returns the decision that the request comes to, and the PSA item that it needs."""
    by, subject = request.by, f"{item.kind.display_name} {item.id}"
    match request.choice:
        case MapTo(target, method, rules):
            if not item.present:
                sentence = f"{subject} ({item.name}) is gone from the marketplace: there is nothing to map"
                raise DecisionRefused(sentence, DecisionRefusal.VENDOR_ITEM_GONE, existing)
            return Decision(MappingDecision.APPROVED, method, by, rules=_rules_of(rules, existing)), target
        case Exclude(reason):
            return Decision(MappingDecision.EXCLUDED, MappingMethod.MANUAL, by, reason), None
        case Revoke():
            if existing is None:
                raise NotFound(f"nothing is decided on {subject}: there is nothing to revoke")
            return Decision(MappingDecision.REVOKED, MappingMethod.MANUAL, by), None
        case Undo():
            if existing is None:
                raise NotFound(f"nothing is decided on {subject}: there is nothing to undo")
            return _undoing(existing, by, subject)


def _rules_of(wanted: MappingRules | None, existing: MappingDecided | None) -> MappingRules | None:
    if wanted is None:  # nothing was said of rules: those that stand are kept
        return existing.rules if existing else None
    return None if wanted == NO_RULES else wanted


def _undoing(existing: MappingDecided, by: str, subject: str) -> tuple[Decision, PsaItemRef | None]:
    replaced = existing.replaced
    if replaced is None:
        sentence = f"what stood on {subject} before revision {existing.revision} was not kept: decide anew"
        raise DecisionRefused(sentence, DecisionRefusal.FORMER_UNKNOWN, existing)
    decision = undoing_decision(existing, replaced, by)
    if replaced.psa_integration_id and replaced.psa_id:
        return decision, PsaItemRef(replaced.psa_integration_id, replaced.psa_id)
    return decision, None


async def _find_target(
    unit: DecisionUnit, kind: MappingKind, chosen: PsaItemRef, existing: MappingDecided | None
) -> PsaMatch:
    try:
        psa = await find_connected_integration(unit, chosen.integration_id, Side.PSA)
        item = await find_item(unit, PSA_KINDS[kind], psa, chosen.id)
    except Conflict as error:
        raise DecisionRefused(str(error), DecisionRefusal.PSA_DISCONNECTED, existing) from error
    except NotFound as error:
        raise ChosenItemMissing(str(error), existing) from error
    if item.usable:
        return PsaMatch(psa, item)
    state, refusal = (
        ("inactive", DecisionRefusal.PSA_ITEM_INACTIVE)
        if item.present
        else ("gone", DecisionRefusal.PSA_ITEM_GONE)
    )
    sentence = f"{item.kind.display_name} {item.id} ({item.name}) is {state}: choose an active one"
    raise DecisionRefused(sentence, refusal, existing)
