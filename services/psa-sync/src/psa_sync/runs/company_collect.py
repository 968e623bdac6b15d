"""One company as a run collects it: its agreements, its lines, and the manifest that they make; pure."""

# Invariant: a company is settled when nothing is due, nothing that was known of it is unaccounted for, and
# two collects agree (`shared.sync_engine.account_manifest`). A line that was known and that no agreement
# lists is accounted for by a reading of its own, never by its absence from a list:
#
#   known: 901, 902 of agreement 77, 911 of 78      listed: 77, which lists 901
#   missing: 902, to be read by itself under 77, and 911, by its agreement, which is in no list

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from psa_sync.psa import Agreement
from psa_sync.runs.line_record import LineRecord
from shared.contracts.manifest import ListingExtent
from shared.sync_engine.account_manifest import AccountManifest, CollectedThing, ItemRecord, item_records

MAX_COLLECTS = 3
"""In one run; what moves on is named as moving, and is known after a later run (architecture §4)."""


class AgreementState(StrEnum):
    """Where an agreement stands in the collect of its company."""

    DUE = "due"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    """It is listed but not read: it is cancelled, so nothing of it is billed, and no line of it was."""


@dataclass(frozen=True, slots=True)
class AgreementEntry:
    """One agreement in the queue of a run."""

    company_id: str
    agreement_id: str
    listed_revision: int
    """Taken before its facts were read: none of its lines is stated by a larger one."""
    listed_at: datetime
    state: AgreementState
    agreement: Agreement | None = None
    """None when it could not be understood."""
    why: str = ""
    """Why it, or something in it that has no name of its own, could not be read."""

    @property
    def unreadable_id(self) -> str:
        """Names it among lines, whose ids are numbers as well."""
        return f"agreement-{self.agreement_id}"


@dataclass(frozen=True, slots=True)
class CompanyEntry:
    """How far the collect of a company is."""

    company_id: str
    listed_revision: int
    """Taken before its agreements were listed, for the collect that is going on."""
    listed_at: datetime
    first_listed_at: datetime
    listing: ListingExtent
    collects: int = 1
    unsettled: str = ""
    """Why it is published although its last collect differed from the one before."""


@dataclass(slots=True)
class CompanyCollect:
    """A company of which a run makes the manifest."""

    entry: CompanyEntry
    agreements: dict[str, AgreementEntry]
    lines: dict[str, LineRecord]
    items: Mapping[str, ItemRecord] | None
    """As the manifest before left them; None when there was none."""
    forgotten_ids: set[str] = field(default_factory=set)
    """Stored lines whose end the manifest before has told."""

    @property
    def company_id(self) -> str:
        return self.entry.company_id

    @property
    def due(self) -> list[AgreementEntry]:
        return [entry for entry in self.agreements.values() if entry.state is AgreementState.DUE]

    @property
    def missing(self) -> Mapping[str, Sequence[LineRecord]]:
        """The lines that were there, and that this collect has not seen yet, by agreement."""
        missing: defaultdict[str, list[LineRecord]] = defaultdict(list)
        for line in self.lines.values():
            if line.live and line.collect_revision < self.entry.listed_revision:
                missing[line.agreement_id].append(line)
        return missing

    @property
    def needs_listing(self) -> bool:
        """Whether the list of all agreements fell short, and lacks one that the company had."""
        is_short = self.entry.listing is ListingExtent.SHORT
        return is_short and not self.missing.keys() <= self.agreements.keys()

    def confirm_ends(self) -> list[LineRecord]:
        """Returns what was read to have ended before, and is not listed in this collect either."""
        confirmed = [
            line.still_ended(self.entry.listed_revision, self.entry.listed_at)
            for line in self.lines.values()
            if line.is_pending_end
            and line.collect_revision < self.entry.listed_revision
            and not self._failed(line.agreement_id)
        ]
        self.update(confirmed)
        return confirmed

    def update(self, lines: Sequence[LineRecord]) -> None:
        self.lines |= {line.line_id: line for line in lines}

    def is_settled(self, manifest: AccountManifest) -> bool:
        """Whether the manifest is to be published as it is: it is the first, or two collects agree."""
        return self.items is None or not manifest.unsettled_items

    def manifest(self, now: datetime) -> AccountManifest:
        things = [*(line.thing for line in self._named_lines()), *self._unreadable_agreements()]
        return AccountManifest(
            account_id=self.company_id,
            things=things,
            records=item_records(things, self.items or {}),
            listing=self.entry.listing,
            listed_revision=self.entry.listed_revision,
            read_from=self.entry.first_listed_at,
            read_until=now,
        )

    @property
    def ended_ids(self) -> set[str]:
        """The stored lines that are of no more use once the manifest has told of their end."""
        ended = {id_ for id_, line in self.lines.items() if not line.live and not line.unreadable}
        return ended | (self.forgotten_ids - self.lines.keys())

    def _named_lines(self) -> list[LineRecord]:
        # What was never read and is listed no more was never more than a row that could not be understood.
        return [
            line
            for line in self.lines.values()
            if line.known_revision or line.collect_revision >= self.entry.listed_revision
        ]

    def _unreadable_agreements(self) -> list[CollectedThing]:
        """Returns the agreements that stand for lines which have no name: no line of theirs was ever read."""
        known_ids = {line.agreement_id for line in self.lines.values() if line.live}
        return [
            _unreadable_thing(entry.unreadable_id, entry.why)
            for entry in self.agreements.values()
            if entry.why and (entry.state is AgreementState.DONE or entry.agreement_id not in known_ids)
        ]

    def _failed(self, agreement_id: str) -> bool:
        entry = self.agreements.get(agreement_id)
        return entry is not None and entry.state is AgreementState.FAILED


def _unreadable_thing(id_: str, reason: str) -> CollectedThing:
    return CollectedThing(
        id=id_,
        live=False,
        revision=0,
        read_revision=0,
        read_at=None,
        items=frozenset(),
        former_items=frozenset(),
        changed_revision=0,
        unreadable=reason,
    )


def state_of_listed(agreement: Agreement, *, was_billed: bool) -> AgreementState:
    """Returns where a listed agreement stands; `was_billed` tells that lines of it are named as billed.

    A cancelled agreement without such lines costs no call: nothing of it is billed, so its lines are not
    named, and count as 0. One that is active again is due like any other.
    """
    return AgreementState.SKIPPED if agreement.cancelled and not was_billed else AgreementState.DUE
