"""What came of asking for one detail, and what its entry says afterwards; pure."""

# Invariant: `changed_revision` was taken after the end of the reading that first said what the entry says,
# and `read_revision` before the beginning of the reading that last said it. An older answer changes nothing.
#
#   entry: digest d1, changed at r20 (the manifest r30 says so)      answered at r101: d2, stored at r103
#   → d2, changed at r103, read at r101, former items: those of d1   answered at r111: d2 → read at r111

from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import TypeAdapter

from vendor_sync.marketplace import ENDED, SubscriptionDetail
from vendor_sync.runs.detail_queue import DetailEntry, DetailRank, DetailState
from vendor_sync.runs.offers import SoldLine, lines_of


@dataclass(frozen=True, slots=True)
class DetailAnswer:
    """What came of one call: the detail, none for a subscription that is gone, or why it was not read."""

    account_id: str
    subscription_id: str
    revision: int
    """Taken before the call."""
    read_at: datetime
    detail: SubscriptionDetail | None
    failure: str = ""

    @property
    def lines(self) -> tuple[SoldLine, ...]:
        return lines_of(self.detail) if self.detail else ()

    @property
    def is_live(self) -> bool:
        """Whether the account has the subscription, and it is not over."""
        if self.detail is None:
            return False
        row = self.detail.row
        return row.account_id == self.account_id and row.status not in ENDED

    @property
    def has_moved(self) -> bool:
        """Whether another account has the subscription."""
        return self.detail is not None and self.detail.row.account_id != self.account_id


ANSWERS: TypeAdapter[list[DetailAnswer]] = TypeAdapter(list[DetailAnswer])
"""Writes answers as JSON and reads them back; amounts stay exact."""


@dataclass(frozen=True, slots=True)
class StoredReading:
    """How the reading of an answer was stated."""

    statement_revision: int
    digest: str
    items: tuple[str, ...]
    """Ids of the services in the detail."""
    after: int
    """A revision that was taken after the call was answered."""
    manifest_revision: int
    """Of the newest manifest of the account; 0 before the first."""


def entry_after_reading(entry: DetailEntry, answer: DetailAnswer, reading: StoredReading) -> DetailEntry:
    """Returns the entry as an answer leaves it that was stated by an observation."""
    changed = reading.digest != entry.digest
    in_manifest = entry.changed_revision <= reading.manifest_revision
    # What came and went since the manifest counts as well: what its services hold was otherwise meanwhile.
    earlier = () if in_manifest else entry.former_items
    former_items = tuple(dict.fromkeys((*earlier, *entry.items)))
    is_first_pass = entry.rank is DetailRank.NEW_OFFER
    return replace(
        entry,
        # The first pass is for the services: a number is of a reading together with the whole account.
        state=DetailState.DUE if is_first_pass else DetailState.DONE,
        rank=DetailRank.ACCOUNT,
        gone=answer.detail is None,
        live=answer.is_live,
        read_at=answer.read_at,
        read_revision=answer.revision,
        asked_revision=answer.revision,
        read_fingerprint=entry.row.fingerprint,
        statement_revision=reading.statement_revision,
        digest=reading.digest,
        changed_revision=reading.after if changed else entry.changed_revision,
        items=reading.items if answer.is_live else (),
        former_items=former_items if changed else entry.former_items,
        sold=tuple((line.service.key, line.service.name) for line in answer.lines),
        why="",
    )


def entry_after_failure(entry: DetailEntry, answer: DetailAnswer, why: str) -> DetailEntry:
    """Returns the entry as it stands when its detail could not be read: as it was read before."""
    return replace(
        entry,
        state=DetailState.FAILED,
        rank=DetailRank.ACCOUNT,
        asked_revision=answer.revision,
        why=why,
    )


def is_outdated(entry: DetailEntry, answer: DetailAnswer) -> bool:
    """Tells whether the entry holds this answer already, or one to a later call."""
    return answer.revision <= entry.asked_revision
