"""The verdict: what the PSA itself says at the end, against what was approved."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from standalone.demo.story import DemoApproval

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DemoVerdict:
    """What holds and what does not; `faults` is empty when everything does."""

    written: int
    untouched: int
    faults: tuple[str, ...]


def judge(
    approved: list[DemoApproval], before: list[Json], after: list[Json], writes: list[Json]
) -> DemoVerdict:
    """Every approved line holds its quantity after exactly one write, and nothing else has changed."""
    targets = {_line_of(each): _target(each) for each in approved}
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
        f"{each.part}: billing says {each.outcome['state']}, not written"
        for each in approved
        if each.outcome["state"] != "written"
    ]
    faults = wrong + changed + unproven + _not_once(targets, old, writes)
    return DemoVerdict(len(targets) - len(wrong), len(old) - len(targets) - len(changed), tuple(faults))


def _not_once(targets: dict[str, Decimal], old: dict[str, Decimal], writes: list[Json]) -> list[str]:
    """A line that had to change was written once; one that held its target already, not at all."""
    counts: dict[str, int] = {}
    for write in writes:
        counts[str(write["line_id"])] = counts.get(str(write["line_id"]), 0) + 1
    expected = {line: int(old.get(line) != target) for line, target in targets.items()}
    return [
        f"line {line} was written {counts.get(line, 0)} times, {expected.get(line, 0)} was right"
        for line in sorted(counts.keys() | expected.keys())
        if counts.get(line, 0) != expected.get(line, 0)
    ]


def _line_of(approved: DemoApproval) -> str:
    return str(approved.line["evidence"]["billed"][0]["line_id"])


def _target(approved: DemoApproval) -> Decimal:
    return Decimal(approved.line["vendor_count"]["number"])


def _quantities(additions: list[Json]) -> dict[str, Decimal]:
    return {str(addition["id"]): Decimal(str(addition["quantity"])) for addition in additions}
