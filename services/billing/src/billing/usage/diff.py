"""What a reconciliation changes: the lines to store again, and which of these are news to others."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.usage.usage_line import UsageLine


@dataclass(frozen=True, slots=True)
class LineRevision:
    """A line to store: `told` when it is news to others, `new` when it was never stored before."""

    line: UsageLine
    told: bool
    new: bool = False


def revised(old: Iterable[UsageLine], new: Iterable[UsageLine], now: datetime) -> list[LineRevision]:
    """Compare lines as stored with those just reconciled in their stead."""
    known = {line.line_id: line for line in old}
    found = {line.line_id: line for line in new}
    revisions = []
    for line_id in sorted(known.keys() | found.keys()):
        before = known.get(line_id)
        line = _next(before, found.get(line_id), now)
        if line is not None and line != before:
            told = line.revision > (before.revision if before else 0)
            revisions.append(LineRevision(line, told, new=before is None))
    return revisions


def _next(before: UsageLine | None, after: UsageLine | None, now: datetime) -> UsageLine | None:
    if after is None:
        return _ended(before, now) if before else None
    if before is None:
        return after.model_copy(update={"revision": int(after.present)})
    if _news(before) == _news(after) or not (before.present or after.present):
        return after.model_copy(update={"revision": before.revision, "changed_at": before.changed_at})
    return after.model_copy(update={"revision": before.revision + 1})


def _ended(line: UsageLine, now: datetime) -> UsageLine:
    """It says no more; who follows the topic must hear that."""
    if not line.present:
        return line
    news = {"present": False, "revision": line.revision + 1, "recheck_at": None, "changed_at": now}
    return line.model_copy(update=news)


def _news(line: UsageLine) -> tuple[Any, ...]:
    """What others would act on; that a number was confirmed once more is no news."""
    vendor, psa = (count.model_copy(update={"as_of": None}) for count in (line.vendor_count, line.psa_count))
    return line.present, line.line_class, line.reason, line.money, line.seal, vendor, psa
