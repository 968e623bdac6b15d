"""How far the mapping of a vendor to a PSA has come, counted once for chips, steps and the last one."""

# Invariant: every present item of the vendor is counted in exactly one state, as the lists show it, and
# mapped items by how they were mapped. An item that is gone is in no state, whatever is decided on it:
#
#   A mapped (exact)   B mapped (by hand)   C excluded   D revoked   E nothing   F mapped, gone
#   → mapped 2 (exact 1, manual 1), excluded 1, unmapped 2: of 5

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from matcher.catalogue.search import MappingState
from shared.contracts.matcher import MappingDecision, MappingKind, MappingMethod


@dataclass(frozen=True, slots=True)
class ProgressQuery:
    """Of which items it is asked how far their mapping has come."""

    tenant_id: str
    kind: MappingKind
    vendor_integration_id: str | None = None
    psa_integration_id: str | None = None
    """Of mapped items, only those that are mapped to this PSA."""
    search: str = ""
    since: datetime | None = None
    """From when on an item is new."""


@dataclass(frozen=True, slots=True)
class DecidedItem:
    """What is decided on a vendor item."""

    vendor_integration_id: str
    vendor_id: str
    decision: MappingDecision
    method: MappingMethod
    psa_integration_id: str | None


@dataclass(frozen=True, slots=True)
class CountedItem:
    """A present vendor item that is counted."""

    integration_id: str
    id: str
    usable: bool
    is_new: bool
    is_suggested: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """The numbers of present vendor items of one kind."""

    total: int
    states: dict[MappingState, int]
    methods: dict[MappingMethod, int]
    """Of the mapped ones, how they were mapped."""
    to_other_psa: int
    """Of the mapped ones, how many are mapped to another PSA than the one that is asked for."""
    suggested: int
    new: int | None
    """None unless it was said since when."""
    usable: int
    """How many an exact match may use: neither cancelled nor inactive."""


def progress_of(
    query: ProgressQuery, items: Iterable[CountedItem], decided: Iterable[DecidedItem]
) -> Progress:
    by_end = {(one.vendor_integration_id, one.vendor_id): one for one in decided}
    states: Counter[MappingState] = Counter()
    methods: Counter[MappingMethod] = Counter()
    total = to_other_psa = suggested = new = usable = 0
    for item in items:
        decision = by_end.get((item.integration_id, item.id))
        state = _state_of(decision)
        total, usable, new = total + 1, usable + item.usable, new + item.is_new
        states[state] += 1
        if state is MappingState.UNMAPPED:
            suggested += item.is_suggested
        if decision is not None and state is MappingState.MAPPED:
            methods[decision.method] += 1
            to_other_psa += query.psa_integration_id not in (None, decision.psa_integration_id)
    return Progress(
        total=total,
        states={state: states[state] for state in MappingState},
        methods={method: methods[method] for method in MappingMethod},
        to_other_psa=to_other_psa,
        suggested=suggested,
        new=new if query.since else None,
        usable=usable,
    )


def _state_of(decided: DecidedItem | None) -> MappingState:
    if decided is None or decided.decision is MappingDecision.REVOKED:
        return MappingState.UNMAPPED
    return MappingState.MAPPED if decided.decision is MappingDecision.APPROVED else MappingState.EXCLUDED
