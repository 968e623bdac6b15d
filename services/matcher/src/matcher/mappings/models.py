"""What people ask to have decided, and what came of it."""

import json
from dataclasses import astuple, dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from matcher.catalogue.items import VendorItemRef
from shared.contracts.base import key_of
from shared.contracts.matcher import MappingDecided, MappingKind, MappingMethod
from shared.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class PsaItemRef:
    """Names the PSA item that a person chose."""

    integration_id: str
    id: str


@dataclass(frozen=True, slots=True)
class MapTo:
    """Bill the vendor item as this PSA item."""

    target: PsaItemRef
    method: MappingMethod = MappingMethod.MANUAL


@dataclass(frozen=True, slots=True)
class Exclude:
    """Leave the vendor item out of billing."""

    reason: str


@dataclass(frozen=True, slots=True)
class Revoke:
    """Leave the vendor item undecided, and the exact rule out of it."""


@dataclass(frozen=True, slots=True)
class Undo:
    """Take the decision of the expected revision back, to what it replaced."""


Choice = MapTo | Exclude | Revoke | Undo


@dataclass(frozen=True, slots=True)
class ItemDecision:
    """A person's decision on one vendor item."""

    item: VendorItemRef
    choice: Choice
    by: str
    """The person's id."""
    expected_revision: int | None = None
    """Of the decision that the person saw; 0 for none, None for a person who does not say."""


class DecisionRefusal(StrEnum):
    """Why a decision was not made, for programs; a sentence says it to people."""

    DECIDED_MEANWHILE = "decided-meanwhile"
    """Another decision stands than the one that the person saw."""
    VENDOR_ITEM_GONE = "vendor-item-gone"
    PSA_ITEM_GONE = "psa-item-gone"
    PSA_ITEM_INACTIVE = "psa-item-inactive"
    PSA_DISCONNECTED = "psa-disconnected"
    NOT_PROPOSED = "not-proposed"
    """A proposal is accepted that is none, or none any more."""
    FORMER_UNKNOWN = "former-decision-unknown"
    """What an undo would bring back was decided before it was kept."""
    NOT_FOUND = "not-found"
    """There is no such item or integration, or nothing to take back."""


class DecisionRefused(Conflict):
    """The decision cannot be made on what there is; `existing` is the mapping as it is, None without one."""

    def __init__(self, sentence: str, refusal: DecisionRefusal, existing: MappingDecided | None) -> None:
        super().__init__(sentence)
        self.refusal, self.existing = refusal, existing


class ChosenItemMissing(NotFound):
    """The PSA item that was chosen was never observed; `existing` is the mapping as it is."""

    def __init__(self, sentence: str, existing: MappingDecided | None) -> None:
        super().__init__(sentence)
        self.existing = existing


class OutcomeStatus(StrEnum):
    """What became of one decision."""

    DONE = "done"
    UNCHANGED = "unchanged"
    """The same was decided before, in the same way."""
    CONFLICT = "conflict"
    """Another decision stands than the one that the person saw."""
    REFUSED = "refused"
    """It cannot be made; the reason says why."""


@dataclass(frozen=True, slots=True)
class DecisionOutcome:
    """What became of one decision, and the mapping as it is then."""

    status: OutcomeStatus
    mapping: MappingDecided | None
    refusal: DecisionRefusal | None = None
    sentence: str | None = None

    @property
    def decided(self) -> MappingDecided:
        """The mapping of a decision that stands; raises `LookupError` for one that was refused."""
        if self.mapping is None:
            raise LookupError("the decision was refused, and nothing was decided before")
        return self.mapping


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """What came of a request, or of a part of one, kept for the case that it is sent again."""

    id: str
    fingerprint: str
    outcomes: tuple[DecisionOutcome, ...]
    at: datetime

    def require_same(self, fingerprint: str, idempotency_key: str) -> None:
        """Raises `Conflict` when the key was used for another request."""
        if self.fingerprint != fingerprint:
            raise Conflict(
                f"the idempotency key {idempotency_key} belongs to another request: send a new one"
            )


def record_id(request: ItemDecision, idempotency_key: str, part: int = 0) -> str:
    """Returns the id of a record; keys of two people are two keys."""
    return key_of(request.item.tenant_id, request.by, idempotency_key, str(part))


def fingerprint_of(*requests: ItemDecision) -> str:
    """Returns what is equal exactly for requests that ask for the same in the same order."""
    asked = [[type(one.choice).__name__, *astuple(one)] for one in requests]
    return sha256(json.dumps(asked, ensure_ascii=True).encode()).hexdigest()


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
