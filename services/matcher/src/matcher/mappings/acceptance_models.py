"""Which proposals are accepted at once, and what that came to."""

from dataclasses import dataclass
from datetime import datetime

from matcher.catalogue.items import VendorItemRef
from matcher.mappings.models import ItemDecision, PsaItemRef
from shared.contracts.matcher import MappingKind
from shared.errors import Conflict


@dataclass(frozen=True, slots=True)
class AcceptQuery:
    """Of which undecided vendor items the best proposal is accepted."""

    tenant_id: str
    kind: MappingKind
    min_per_mille: int
    """The least probability."""
    vendor_integration_id: str | None = None
    search: str = ""
    ids: frozenset[str] = frozenset()
    since: datetime | None = None
    """Only items that were first seen since then."""


@dataclass(frozen=True, slots=True)
class AcceptableProposal:
    """The best proposal of an undecided vendor item."""

    item: VendorItemRef
    target: PsaItemRef
    seen_revision: int
    """Of what stands on the item, 0 for nothing."""


@dataclass(frozen=True, slots=True)
class AcceptancePlan:
    """What a request to accept many came to when it was made, kept for the case that it is sent again."""

    id: str
    fingerprint: str
    decisions: tuple[ItemDecision, ...]
    at: datetime


class CountDiffers(Conflict):
    """There are more or fewer proposals to accept than the person saw."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(
            f"{found} proposals can be accepted now, not {expected}: look at them, and send the new number"
        )
        self.expected, self.found = expected, found
