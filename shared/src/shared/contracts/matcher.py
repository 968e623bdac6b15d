"""What matcher publishes: which vendor item is billed as which PSA item."""

from enum import StrEnum
from functools import partial
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator

from shared.contracts.base import ContractModel, Event, State, bounded
from shared.contracts.fields import Code, Id, Integer, Listed, Moment, Remark, Revision, Sentence
from shared.contracts.mapping_rules import MappingRules


class MappingKind(StrEnum):
    """What is mapped: a vendor account to a PSA account, or a vendor service to a PSA product."""

    ACCOUNT = "account"
    SERVICE = "service"


class MappingDecision(StrEnum):
    """What was decided about a vendor item."""

    APPROVED = "approved"
    """It is billed as the PSA item named."""
    REVOKED = "revoked"
    """An earlier decision is taken back; nothing is decided any more."""
    EXCLUDED = "excluded"
    """It is not billed, and is left out of the comparison."""


class MappingMethod(StrEnum):
    """How the decision came about."""

    EXACT = "exact"
    """The names are equal, and no person was asked; or a person brought back a mapping that came about so."""
    PROPOSAL = "proposal"
    """A person accepted a proposal."""
    MANUAL = "manual"
    """A person chose the PSA item."""
    IMPORT = "import"
    """A file that a person imported says so."""


class ReplacedDecision(ContractModel):
    """What stood on a vendor item before a decision on it.

    Before the first decision that was `revoked` by the method `exact`, of revision 0: nothing was decided,
    and the exact rule was free to map the item.
    """

    revision: Revision
    decision: MappingDecision
    method: MappingMethod
    psa_integration_id: Id | None = None
    psa_id: Id | None = None
    reason: Sentence | None = None
    rules: MappingRules | None = None


DECIDED_BY_RULE = "trueup"
"""Stands as `decided_by` when no person decided."""


class MappingDecided(State):
    """States the decision on one vendor account or service; keyed by realm, it outlives reconnecting."""

    topic: ClassVar[str] = "matcher.mapping-decided.v1"
    meaning: ClassVar[str] = "The decision on one vendor account or service"
    readers: ClassVar[tuple[str, ...]] = ("billing", "vendor-sync", "matcher")
    key_fields: ClassVar[tuple[str, ...]] = ("vendor_provider", "vendor_realm", "kind", "vendor_id")

    kind: MappingKind
    vendor_provider: Code
    vendor_realm: Code
    vendor_integration_id: Id
    vendor_id: Id
    """The vendor account's id, or the vendor service's."""
    psa_provider: Code | None = None
    psa_realm: Code | None = None
    psa_integration_id: Id | None = None
    psa_id: Id | None = None
    """The PSA account's id, or the PSA product's; the four PSA fields are None unless approved."""
    decision: MappingDecision
    method: MappingMethod
    decided_by: Id
    """A person's id; the matcher's own name for exact mappings."""
    reason: Sentence | None = None
    """Why a person decided so, in their words; of a revoked exact mapping, what it was ambiguous with."""
    decided_at: Moment
    rules: MappingRules | None = None
    """How a mapped service's quantity is made; None for accounts, and for a sum without rules."""
    replaced: ReplacedDecision | None = None
    """What the decision replaced; None in messages from before this was told."""
    undoes: Revision | None = None
    """The revision of the decision that a person took back with this one; None when it undoes none."""


_MOST_PROPOSALS, _MOST_REASONS = 5, 6
"""Both lists are for people, and sorted: what is beyond would not be read. So the message always fits."""


def _first(most: int, items: Any) -> Any:
    """Returns the beginning of a list, before the rest is looked at; whatever else is sent, as it is."""
    return items[:most] if isinstance(items, list | tuple) else items


class ProposalReason(ContractModel):
    """One fact, in words, that speaks for two items being one, or against it."""

    kind: Id
    """The feature that the fact is about, for programs."""
    words: Remark
    speaks_for: bool


class ProposedItem(ContractModel):
    """One PSA item that a vendor item may be."""

    psa_integration_id: Id
    psa_id: Id
    probability_per_mille: Integer
    """That this is the one, among all that are near and beside none of them."""
    margin_per_mille: Integer
    """The probability less that of the likeliest other one; negative for all but the likeliest."""
    reasons: Annotated[tuple[ProposalReason, ...], BeforeValidator(partial(_first, _MOST_REASONS))] = ()
    """What weighed most comes first; at most six."""


class MappingsProposed(State):
    """States which PSA items one vendor account or service may be; keyed as the decision on it."""

    topic: ClassVar[str] = "matcher.mappings-proposed.v1"
    meaning: ClassVar[str] = "What one undecided vendor account or service may be mapped to, and why"
    readers: ClassVar[tuple[str, ...]] = ()
    key_fields: ClassVar[tuple[str, ...]] = ("vendor_provider", "vendor_realm", "kind", "vendor_id")

    kind: MappingKind
    vendor_provider: Code
    vendor_realm: Code
    vendor_integration_id: Id
    vendor_id: Id
    """The vendor account's id, or the vendor service's."""
    proposals: Annotated[tuple[ProposedItem, ...], BeforeValidator(partial(_first, _MOST_PROPOSALS))] = ()
    """The likeliest first; none once the item is decided on, gone, or like nothing."""


class ProposalRefused(State):
    """States a person's word that a vendor item is not one PSA item; keyed by realms, as mappings are."""

    topic: ClassVar[str] = "matcher.proposal-refused.v1"
    meaning: ClassVar[str] = "A person's word that one vendor item is not one PSA item, or its withdrawal"
    readers: ClassVar[tuple[str, ...]] = ("billing", "matcher")
    key_fields: ClassVar[tuple[str, ...]] = (
        *("vendor_provider", "vendor_realm", "kind", "vendor_id"),
        *("psa_provider", "psa_realm", "psa_id"),
    )

    kind: MappingKind
    vendor_provider: Code
    vendor_realm: Code
    vendor_integration_id: Id
    vendor_id: Id
    """The vendor account's id, or the vendor service's."""
    psa_provider: Code
    psa_realm: Code
    psa_integration_id: Id
    psa_id: Id
    """The PSA account's id, or the PSA product's."""
    stands: bool
    """False once it is taken back: the PSA item may be proposed again."""
    decided_by: Id
    """The person who refused, or who took the refusal back."""
    decided_at: Moment


class NameEquality(StrEnum):
    """When two names are equal, so that their items are mapped to each other without anybody being asked."""

    EXACT = "exact"
    """Written alike."""
    NORMALISED = "normalised"
    """Alike but for case, accents, spaces, punctuation and the legal form of a firm."""


class MatchingSettingsChanged(State):
    """States how a tenant has items mapped by themselves; nothing is stated before it was changed once."""

    topic: ClassVar[str] = "matcher.settings-changed.v1"
    meaning: ClassVar[str] = "How a tenant has items mapped by themselves"
    readers: ClassVar[tuple[str, ...]] = ("billing",)
    key_fields: ClassVar[tuple[str, ...]] = ()

    name_equality: NameEquality
    replaced: NameEquality
    """What it was before."""
    changed_by: Id
    changed_at: Moment


class MappingFinished(Event):
    """A person finished mapping a vendor to a PSA; both become active and are synced."""

    topic: ClassVar[str] = "matcher.mapping-finished.v1"
    meaning: ClassVar[str] = "A person finished mapping; both integrations become active and sync"
    readers: ClassVar[tuple[str, ...]] = ("auth", "billing")
    key_fields: ClassVar[tuple[str, ...]] = ()

    vendor_integration_id: Id
    psa_integration_id: Id
    finish_id: Id
    """Becomes the `sync_id`, so that the event delivered twice starts one sync."""
    counts: Listed[dict[Id, Integer]]
    """By `accounts_mapped`, `services_mapped`, `accounts_excluded`, `services_excluded`."""
    finished_by: Id
    """A person's id."""
    finished_at: Moment

    _sendable = bounded("counts")
