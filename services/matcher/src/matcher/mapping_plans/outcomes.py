"""What a wanted decision does to the one that stands."""

# Invariant: what stands already is not decided again, however it came about: a file that was exported and not
# touched changes nothing. A reason is a part of the decision only where it excludes:
#
#   stands 1 → 9, exact   wanted 1 → 9, import   unchanged, and stays exact
#   nothing decided       wanted revoked         new: from then on the exact rule leaves the item alone
#   revoked by the rule   wanted revoked         changed, for the same

from matcher.mapping_plans.models import RowOutcome, StandingDecision, WantedDecision
from shared.contracts.matcher import MappingDecision, MappingMethod

_REVOKED = MappingDecision.REVOKED


def outcome_of(standing: StandingDecision | None, wanted: WantedDecision) -> RowOutcome:
    """Returns what applying the wanted decision would do."""
    if standing is None:
        return RowOutcome.UNCHANGED if _decides_nothing(wanted) else RowOutcome.NEW
    if _content_of(standing) == _wanted_content(wanted):
        return RowOutcome.UNCHANGED
    if wanted.decision is _REVOKED:
        return RowOutcome.CHANGED if standing.decision is _REVOKED else RowOutcome.REVOKED
    return RowOutcome.NEW if standing.decision is _REVOKED else RowOutcome.CHANGED


def _decides_nothing(wanted: WantedDecision) -> bool:
    """Whether the exact rule stays free to map the item: that is how undoing a first decision leaves it."""
    return wanted.decision is _REVOKED and wanted.method is MappingMethod.EXACT


def _content_of(standing: StandingDecision) -> tuple[object, ...]:
    ends = standing.psa_integration_id, standing.psa_id
    counts = _what_counts(standing.decision, standing.method, standing.reason)
    return standing.decision, ends, standing.rules, counts


def _wanted_content(wanted: WantedDecision) -> tuple[object, ...]:
    target = wanted.target
    ends = (target.integration_id, target.id) if target else (None, None)
    counts = _what_counts(wanted.decision, wanted.method, wanted.reason)
    return wanted.decision, ends, wanted.rules, counts


def _what_counts(decision: MappingDecision, method: MappingMethod, reason: str | None) -> object:
    if decision is MappingDecision.EXCLUDED:
        return reason
    if decision is MappingDecision.REVOKED:
        return method is MappingMethod.EXACT  # the rule is free then
    return None
