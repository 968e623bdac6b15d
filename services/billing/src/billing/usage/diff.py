"""Compares lines as stored with lines as calculated: which to store, and which of these to announce."""

# A line is stored when anything in it differs, and announced only when others would act differently.
#
#   7 as of the 1st → 7 as of the 2nd   stored
#   7 → 8                               stored, announced with revision + 1
#   7 → not there any more              stored, announced as not present

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.usage.usage_line import UsageLine


@dataclass(frozen=True, slots=True)
class LineRevision:
    """A line to store."""

    line: UsageLine
    announced: bool
    """Whether others must hear of it."""
    new: bool = False
    """Whether it was never stored before."""


def revise_lines(
    stored: Iterable[UsageLine], calculated: Iterable[UsageLine], now: datetime
) -> list[LineRevision]:
    """What changes when the stored lines of some accounts are replaced by the calculated ones."""
    before = {line.line_id: line for line in stored}
    after = {line.line_id: line for line in calculated}
    revisions = []
    for line_id in sorted(before.keys() | after.keys()):
        old = before.get(line_id)
        line = _next(old, after.get(line_id), now)
        if line is not None and line != old:
            announced = line.revision > (old.revision if old else 0)
            revisions.append(LineRevision(line, announced, new=old is None))
    return revisions


def _next(old: UsageLine | None, calculated: UsageLine | None, now: datetime) -> UsageLine | None:
    if calculated is None:
        return _ended(old, now) if old else None
    if old is None:
        # One that only begins later is stored for its day and was never announced.
        return calculated.model_copy(update={"revision": int(calculated.present)})
    if _content(old) == _content(calculated) or not (old.present or calculated.present):
        return calculated.model_copy(update={"revision": old.revision, "changed_at": old.changed_at})
    return calculated.model_copy(update={"revision": old.revision + 1})


def _ended(line: UsageLine, now: datetime) -> UsageLine:
    """The last state of a line: who follows the topic must hear that it is gone."""
    if not line.present:
        return line
    end = {"present": False, "revision": line.revision + 1, "recheck_at": None, "changed_at": now}
    return line.model_copy(update=end)


def _content(line: UsageLine) -> tuple[Any, ...]:
    """What others would act on: all but ages."""
    vendor, psa = (count.model_copy(update={"as_of": None}) for count in (line.vendor_count, line.psa_count))
    return line.present, line.line_class, line.reason, line.money, line.seal, vendor, psa
