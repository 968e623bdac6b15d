"""Compares lines as stored with lines as calculated: which to store, and which of these to announce."""

# A line is stored when anything in it differs, and announced only when others would act differently.
#
#   7 as of the 1st → 7 as of the 2nd   stored
#   7 → 8                               stored, announced with a larger revision
#   7 → not there any more              stored, announced as not present
#
# A revision is larger than the one before it, and than the microseconds since the epoch: so a database that
# went back to a backup announces nothing that ranks below what it announced before.

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from billing.usage.failure import failed_line
from billing.usage.usage_line import UsageLine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LineRevision:
    """A line as it is to be stored."""

    line: UsageLine
    announced: bool
    """Whether `usage-line-changed` is published for it."""
    before: UsageLine | None = None
    """The line as it is stored; None for one that was never stored."""

    @property
    def new(self) -> bool:
        return self.before is None

    @property
    def differs(self) -> bool:
        """Whether it is anything else than what is stored."""
        return self.line != self.before


def revise_lines(
    stored: Iterable[UsageLine], calculated: Iterable[UsageLine], now: datetime
) -> list[LineRevision]:
    """What changes when the stored lines of some accounts are replaced by the calculated ones."""
    before = {line.line_id: line for line in stored}
    after = {line.line_id: line for line in calculated}
    revisions = []
    for line_id in sorted(before.keys() | after.keys()):
        revision = revise_line(before.get(line_id), after.get(line_id), now)
        if revision and revision.differs:
            revisions.append(revision)
    return revisions


def revise_line(old: UsageLine | None, calculated: UsageLine | None, now: datetime) -> LineRevision | None:
    """What becomes of one line when it is calculated again; None for one that never was and is not."""
    line = _with_last_numbers(old, _revised(old, calculated, now))
    if line is None:
        return None
    return LineRevision(line, announced=line.revision > (old.revision if old else 0), before=old)


def revise_failed_lines(stored: Iterable[UsageLine], now: datetime) -> list[LineRevision]:
    """What changes when the lines of some accounts could not be calculated.

    A line that is gone for good stays so; one whose agreement line opens later has failed too.
    """
    failing = [line for line in stored if line.present or line.recheck_at]
    return revise_lines(failing, [failed_line(line, now) for line in failing], now)


def _revised(old: UsageLine | None, calculated: UsageLine | None, now: datetime) -> UsageLine | None:
    """The line to store; its revision is raised when the change is announced."""
    if calculated is None:
        return _as_not_present(old, now) if old else None
    if old is None:
        # A line that is not present yet has revision 0: it is stored for `recheck_at`, and not announced.
        return calculated.model_copy(update={"revision": _next(0, now) if calculated.present else 0})
    if _announced_content(old) == _announced_content(calculated) or not (old.present or calculated.present):
        return calculated.model_copy(update={"revision": old.revision, "changed_at": old.changed_at})
    return calculated.model_copy(update={"revision": _next(old.revision, now)})


def _with_last_numbers(old: UsageLine | None, line: UsageLine | None) -> UsageLine | None:
    """The line, remembering what its numbers were while they are none."""
    if line is None:
        return None
    vendor, psa = line.vendor_count.number, line.psa_count.number
    last = {
        "last_vendor": vendor if vendor is not None else old and old.last_vendor,
        "last_psa": psa if psa is not None else old and old.last_psa,
    }
    return line.model_copy(update=last)


def _as_not_present(line: UsageLine, now: datetime) -> UsageLine:
    """The line as its last event announces it: not present any more."""
    if not line.present:
        return line
    revision = _next(line.revision, now)
    end = {"present": False, "revision": revision, "recheck_at": None, "changed_at": now}
    return line.model_copy(update=end)


def _next(revision: int, now: datetime) -> int:
    return max(revision + 1, (now - _EPOCH) // timedelta(microseconds=1))


def _announced_content(line: UsageLine) -> tuple[Any, ...]:
    """The part of a line whose change is announced: all that a consumer acts on, ages left out."""
    vendor, psa = (count.model_copy(update={"as_of": None}) for count in (line.vendor_count, line.psa_count))
    return line.present, line.line_class, line.reason, line.money, line.seal, vendor, psa
