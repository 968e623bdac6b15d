"""What is remembered of one agreement line under one company, from reading to reading; pure."""

# Invariant: `changed_revision` is taken after the reading that first said what the line says now, and is 0
# only while every reading since the manifest before has said what that manifest says:
#
#   the manifest of r50 names 901 with 8    read: 8            → changed 0
#                                           read: 9, at r63    → changed 63, and after the next 9 still 63
#                                           read: 8, at r70    → changed 70, not 0: it was 9 in between
#
# What a manifest said is not stored apart, so no crash can leave the two at odds: what was read last before
# the manifest's revision is what it said, for a company is not read while its manifest is made.

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.sync_engine.account_manifest import CollectedThing


@dataclass(frozen=True, slots=True)
class LineReading:
    """What a reading says of a line, and how the line is stated after it."""

    line_id: str
    agreement_id: str
    product_ids: Sequence[str]
    """Of the line; two when the reading and what states the line name different ones."""
    digest: str
    """Of what states the line; empty when it is not there: ended, gone, or of another company."""
    revision: int
    """Of the observation that states the line."""
    read_revision: int
    """Taken before the oldest of the answers that the reading is made of."""
    read_at: datetime
    agrees: bool = True
    """False when something that was read later by another reader states the line otherwise."""


@dataclass(frozen=True, slots=True)
class LineRecord:
    """One line under one company, as it was read last."""

    line_id: str
    agreement_id: str
    collect_revision: int
    """Of the listing on which the collect rests that looked at the line last."""
    product_ids: Sequence[str] = ()
    digest: str = ""
    """Of what the line says; empty while it is not there, or was never read."""
    revision: int = 0
    read_revision: int = 0
    read_at: datetime | None = None
    known_revision: int = 0
    """Taken after the last reading; 0 while there was none."""
    changed_revision: int = 0
    former_product_ids: Sequence[str] = ()
    """As the manifest before names the line, and as readings since have named it before the last one."""
    unreadable: str = ""
    """Why the last reading failed."""

    @property
    def live(self) -> bool:
        return bool(self.digest)

    @property
    def is_pending_end(self) -> bool:
        """Whether it was read not to be there, and no manifest says so yet."""
        return not self.live and self.changed_revision > 0

    def since_manifest(self, revision: int) -> "LineRecord | None":
        """The record as it stands to a manifest of this revision; None when that has told of its end."""
        if self.known_revision > revision:
            return self
        if self.live:
            return replace(self, changed_revision=0, former_product_ids=self.product_ids)
        # Never read, but seen since: a row that could not be understood.
        return self if self.collect_revision > revision else None

    def read(self, reading: LineReading, *, known_revision: int, collect_revision: int) -> "LineRecord":
        """The record after a reading; `known_revision` was taken after it."""
        is_same = reading.agrees and reading.digest == self.digest
        former = self.former_product_ids
        if not is_same and self.digest:  # what it was between two manifests leaves a trace as well
            former = sorted({*former, *self.product_ids})
        return replace(
            self,
            agreement_id=reading.agreement_id,
            collect_revision=collect_revision,
            # What it was stays known: the products of what has ended are concerned as well.
            product_ids=reading.product_ids if reading.digest else self.product_ids,
            digest=reading.digest,
            revision=reading.revision,
            read_revision=reading.read_revision,
            read_at=reading.read_at,
            known_revision=known_revision,
            changed_revision=self.changed_revision if is_same else known_revision,
            former_product_ids=former,
            unreadable="",
        )

    def unread(self, reason: str, *, collect_revision: int, product_id: str = "") -> "LineRecord":
        """The record after a reading that failed: the line stays as it was read last.

        `product_id` is what could be read of its row all the same; it counts while the line was never read.
        """
        never_read = self.known_revision == 0
        product_ids = [product_id] * bool(product_id) if never_read else self.product_ids
        return replace(self, unreadable=reason, collect_revision=collect_revision, product_ids=product_ids)

    def still_ended(self, revision: int, at: datetime) -> "LineRecord":
        """The record of a pending end after a listing that does not have the line either."""
        return replace(self, read_revision=revision, read_at=at, collect_revision=revision)

    @property
    def thing(self) -> CollectedThing:
        return CollectedThing(
            id=self.line_id,
            live=self.live,
            revision=self.revision,
            read_revision=self.read_revision,
            read_at=self.read_at,
            items=frozenset(self.product_ids),
            former_items=frozenset(self.former_product_ids),
            changed_revision=self.changed_revision,
            unreadable=self.unreadable,
        )
