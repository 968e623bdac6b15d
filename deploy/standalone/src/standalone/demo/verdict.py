"""Judges the demo: compares what the PSA itself holds at the end with what was approved."""

# Four things must hold, each on the word of the simulated PSA (its lines and its journal of writes):
#
#   1. every approved line holds the approved quantity;
#   2. every other line holds what it held before, and none appeared or vanished;
#   3. billing says "written" of every approval;
#   4. an approved line was written exactly once, or not at all if it held the quantity already.
#
# With line 901 at 8, approved at 10:  [901: 10] after one write is proven; after two writes, or with line 902
# changed as well, it is not.

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from standalone.demo.story import DemoApproval

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DemoVerdict:
    """How many lines are as they should be, and one sentence for each fault; without faults all is proven."""

    written: int
    unchanged: int
    faults: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 only if all is proven."""
        return 1 if self.faults else 0


def judge(
    approved: list[DemoApproval], before: list[Json], after: list[Json], writes: list[Json]
) -> DemoVerdict:
    """Return the verdict; `before` and `after` are the PSA's lines, `writes` its journal of writes."""
    targets = {
        str(line["evidence"]["billed"][0]["line_id"]): Decimal(line["vendor_count"]["number"])
        for line in (approval.line for approval in approved)
    }
    old, new = _quantities(before), _quantities(after)
    wrong = [
        f"line {line} was approved at {target} and holds {new.get(line)}"
        for line, target in targets.items()
        if new.get(line) != target
    ]
    changed = [
        f"line {line} was not approved and went from {old.get(line)} to {new.get(line)}"
        for line in sorted(old.keys() | new.keys())
        if line not in targets and old.get(line) != new.get(line)
    ]
    unproven = [
        f"{approval.part}: billing says {approval.outcome['state']}, not written"
        for approval in approved
        if approval.outcome["state"] != "written"
    ]
    faults = wrong + changed + unproven + _wrong_write_counts(targets, old, writes)
    return DemoVerdict(len(targets) - len(wrong), len(old) - len(targets) - len(changed), tuple(faults))


def _wrong_write_counts(
    targets: dict[str, Decimal], old: dict[str, Decimal], writes: list[Json]
) -> list[str]:
    counts: dict[str, int] = {}
    for write in writes:
        counts[str(write["line_id"])] = counts.get(str(write["line_id"]), 0) + 1
    expected = {line: int(old.get(line) != target) for line, target in targets.items()}
    return [
        f"line {line} was written {counts.get(line, 0)} times, {expected.get(line, 0)} was right"
        for line in sorted(counts.keys() | expected.keys())
        if counts.get(line, 0) != expected.get(line, 0)
    ]


def _quantities(additions: list[Json]) -> dict[str, Decimal]:
    return {str(addition["id"]): Decimal(str(addition["quantity"])) for addition in additions}
