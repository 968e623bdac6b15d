"""What is proposed for a vendor item, what a person refused, and what a computation of both starts from."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from matcher.catalogue.items import IntegrationInfo, Item
from shared.contracts.base import key_of
from shared.contracts.matcher import MappingKind, MappingsProposed, ProposalReason
from shared.errors import TransientError
from shared.mapping_counts import KindCounts


class PassOvertaken(TransientError):
    """A later pass has begun, which knows more."""


@dataclass(frozen=True, slots=True)
class RankedItem:
    """One PSA item that the engine finds likely."""

    psa_key: str
    """Of the item."""
    probability: float
    reasons: tuple[ProposalReason, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineAnswer:
    """What an engine answers."""

    ranked: Mapping[str, Sequence[RankedItem]]
    """By the vendor item's key, the likeliest first."""
    token: str | None = None
    """Names this answer, so that the next one may tell only what has changed since; None when it cannot."""
    is_whole: bool = True
    """Whether items that are left out have nothing proposed; else it is for them as it was."""


@dataclass(frozen=True, slots=True)
class RankingBasis:
    """What of one marketplace the next pass may build on."""

    token: str
    """Of the answer whose results are stored."""
    undecided: frozenset[str]
    """The keys of the vendor items of which something is stored."""


@dataclass(frozen=True, slots=True)
class PassBasis:
    """What the last pass has stored, for the next one if no other comes between."""

    number: int
    refusals: Mapping[str, int]
    """By `refusal_id`, the revision of what was last said."""
    rankings: Mapping[str, RankingBasis]
    """By marketplace."""


@dataclass(frozen=True, slots=True)
class DueRecomputation:
    """A tenant's proposals of one kind, of which something has changed since they were computed."""

    tenant_id: str
    kind: MappingKind
    oldest: datetime
    """The moment of the oldest news."""
    newest: datetime


@dataclass(frozen=True, slots=True)
class ProposalPass:
    """One computation of a tenant's proposals of one kind; a later pass has a larger number."""

    tenant_id: str
    kind: MappingKind
    number: int
    work_ids: Sequence[str]
    """Of the work items that the pass completes; it was read before anything that the pass computes with."""


@dataclass(frozen=True, slots=True)
class ProposalInputs:
    """What a pass computes with."""

    integrations: Mapping[str, IntegrationInfo]
    vendor_items: Sequence[Item]
    """The usable ones, decided ones too: a PSA item that is one of theirs is less likely another's."""
    psa_items: Sequence[Item]
    """The usable ones."""
    refused: Collection[str]
    """By `refusal_id`."""
    refusals: Mapping[str, int]
    """By `refusal_id`, the revision of what was last said, withdrawals too: a refusal changes at once what is
    stored, its withdrawal leaves that to the next pass."""


@dataclass(frozen=True, slots=True)
class StoredProposals:
    """What is known of a row without reading all of it."""

    revision: int
    digest: str
    is_empty: bool
    best_per_mille: int = 0
    """The probability of the likeliest item."""


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """What of one marketplace waits to be mapped, of one kind, as the last pass found it."""

    tenant_id: str
    kind: MappingKind
    integration_id: str
    counts: KindCounts


@dataclass(frozen=True, slots=True)
class RefusalStatus:
    """What a person last said of two items."""

    revision: int
    """0 of a refusal from before it was published."""
    stands: bool
    """False once it is taken back."""


def refusal_id(vendor_key: str, psa_key: str) -> str:
    """Returns the id of a refusal; `psa_key` is one of `psa_key_of`."""
    return f"{vendor_key}|{psa_key}"


def proposal_key(vendor: IntegrationInfo, item: Item) -> str:
    """Returns the key of what is proposed for a vendor item, without making a state of it."""
    return key_of(item.tenant_id, vendor.provider, vendor.realm, item.kind.mapping_kind, item.id)


def vendor_key_of(refusal: str) -> str:
    """Returns of a `refusal_id` the key of the vendor item's proposals."""
    return refusal.partition("|")[0]  # percent-encoded, so there is no such sign in it


def psa_key_of(psa: IntegrationInfo, psa_id: str) -> str:
    """Returns the key of a PSA item by provider and realm."""
    return key_of(psa.provider, psa.realm, psa_id)


def digest_of(proposed: MappingsProposed) -> str:
    """Returns what is equal exactly for states that differ in their revision alone."""
    return sha256(proposed.model_dump_json(exclude={"revision"}).encode()).hexdigest()


def next_proposal_revision(existing: int | None, at: datetime) -> int:
    """Returns a revision that is larger than any before, and at least the microseconds since the epoch."""
    return max(existing + 1 if existing else 1, int(at.timestamp() * 1_000_000))
