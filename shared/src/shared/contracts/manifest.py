"""The manifest of an account: what one run found under it, the unit in which numbers take effect (§4)."""

# Invariant: a manifest is complete. What it does not name is not there, and what it names is stated by the
# observation of that revision, which need not be the newest one. A large account comes in parts, which count
# together: the parts of one revision are one manifest, those of an older revision are void. Nothing is named
# twice, in one part or in two.
#
#   manifest r50 of account 7   things {sub1 at r12, sub2 at r41}   unreadable {sub3: "403"}
#   → sub1 counts as stated at r12, sub2 as at r41, sub3 as the manifest before named it, any other as 0
#
# A span says when all that an account holds of one service was surely as named: after `known_from` (every
# reading that changed it had ended) and up to `known_until` (no reading that confirmed it had begun). Empty
# spans (from > until) are of what was read only once, or moved while it was read. Numbers of several spans
# may be added up when the spans have an instant in common: their sum was true then.
#
#   svc1 read at r20 and, unchanged, at r40 → known 21 … 40      read once at r40 → known 41 … 40: empty

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, ClassVar, Self, TypeVar

from pydantic import Field, model_validator

from shared.contracts.base import ContractModel, State, bounded
from shared.contracts.fields import Deadline, Id, Integer, Moment, Remark, Revision
from shared.limits import messages as limits
from shared.plain_text import counted

_T = TypeVar("_T")

Entries = Annotated[_T, Field(max_length=limits.MANIFEST_ENTRIES.most), counted(limits.MANIFEST_ENTRIES)]
"""One kind of entry in one part of a manifest, as `Entries[tuple[ThingRead, ...]]`."""


class ListingExtent(StrEnum):
    """Whether the lists that the manifest rests on held all that the provider counts."""

    WHOLE = "whole"
    SHORT = "short"
    """Something of the account may be missing: what is named is confirmed, no sum of it is known."""


class ThingRead(ContractModel):
    """A thing that a manifest names: which observation states it, and when it was last found to be so."""

    id: Id
    """The provider's own id, of a subscription or an agreement line."""
    revision: Revision
    """Of the observation that states it."""
    read_revision: Revision
    """Taken before the last reading, which said the same."""
    read_at: Moment
    """When that reading was made: the thing's age counts from here."""


class UnreadableThing(ContractModel):
    """A thing that could not be read: it keeps its last number and age."""

    id: Id
    reason: Remark
    item_id: Id | None = None
    """The service or product that it is of; None where that could not be read either."""


class ItemSpan(ContractModel):
    """Between which revisions all that the account holds of one catalogue item is known to be as named."""

    item_id: Id
    """Of a vendor service, or of a PSA product."""
    known_from: Revision
    """Taken after the last reading by which it changed; 0 for what was never otherwise."""
    known_until: Revision
    """Taken before the oldest of the last readings."""
    ended: Integer = 0
    """How many things of this item have ended, or are gone; a manifest names none of them."""
    last_ended_at: Moment | None = None
    """When the last of them was read to have ended."""
    renewals_listed_from: Deadline | None = None
    """From when on a listing shows what may have taken the place of what ended; None when this one does.

    The span is empty before.
    """

    @property
    def is_empty(self) -> bool:
        """Whether there is no instant at which all of it was surely as named."""
        return self.known_from > self.known_until


class AccountRead(State):
    """What one run found under one account, or a part of it; `revision` is the same in all parts."""

    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "account_id", "part")

    integration_id: Id
    account_id: Id
    run_id: Id
    generation: Integer
    """Of the integration; reconnecting raises it."""
    nth: Integer
    """How many manifests of the account this run has published, this one included."""
    part: Integer
    """Counts from 1."""
    parts: Integer
    things: Entries[tuple[ThingRead, ...]] = ()
    unreadable: Entries[tuple[UnreadableThing, ...]] = ()
    spans: Entries[tuple[ItemSpan, ...]] = ()
    """Of every item that the account has or had; no other was ever there, up to `listed_revision`."""
    listing: ListingExtent
    listed_revision: Revision
    """Taken before the account's things were listed: what was there by then is named, or is not there."""
    read_from: Moment
    read_until: Moment
    """Between these two the run read the account."""

    _sendable = bounded("things", "unreadable", "spans")

    @model_validator(mode="after")
    def _part_of_parts(self) -> Self:
        if not 1 <= self.part <= self.parts:
            raise ValueError(f"there is no part {self.part} of {self.parts}: parts count from 1")
        return self

    @model_validator(mode="after")
    def _names_nothing_twice(self) -> Self:
        # Counted twice, or at the wrong one of two revisions, it would be a wrong number.
        named = {
            "the things": [thing.id for thing in self.things],
            "the unreadable": [thing.id for thing in self.unreadable],
            "the spans": [span.item_id for span in self.spans],
        }
        for kind, ids in named.items():
            if again := first_repeated(ids):
                raise ValueError(f"{again} is named twice among {kind}")
        return self


def first_repeated(ids: Iterable[str]) -> str | None:
    """Returns the first id that comes again; None when none does."""
    seen = set[str]()
    for id_ in ids:
        if id_ in seen:
            return id_
        seen.add(id_)
    return None
