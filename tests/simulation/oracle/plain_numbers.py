"""(a) and (b): a plain number was true at one instant, and what is conserved never shows another total."""

# A number is plain when the line gives it without a reason for there being none: a person reads it as a fact.
# It must have been true, as a sum over all accounts and services of its line, at a single instant between the
# moment as of which the line says that it was known, and now. Of a line that is stored the number is looked
# at in the very commit.
#
#   X 10 + Y 5 became X 0 + Y 15 at one instant   15 is true, 25 and 0 never were

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.simulation.oracle.violation import Violation
from tests.simulation.process import seconds_of
from tests.simulation.store.database import Written
from tests.simulation.world import Target, World

_CLOCKS_DIFFER = timedelta(seconds=10)
_NOT_COMPARED = ("ambiguous", "unmapped", "excluded")
Line = Mapping[str, Any]


class PlainNumbers:
    """Looks at every usage line in the moment in which it is stored."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.seen = 0
        """How many plain numbers were looked at: a simulation that shows none proves nothing."""
        self.conserved = 0
        """How many of them were of what is conserved."""

    def on_commit(self, written: Sequence[Written]) -> None:
        for one in written:
            if one.collection == "usage_lines" and one.after is not None:
                self.check(one.after)

    def check(self, line: Line) -> None:
        if not line["present"]:
            return
        target = _target(line)
        if (bought := _plain(line["vendor_count"])) is not None:
            self._check_bought(line, target, bought)
        if line["psa_account_id"] and line["line_class"] not in _NOT_COMPARED:
            billed = _plain(line["psa_count"])
            if billed is not None:
                self._check_billed(line, target, billed)

    def _check_bought(self, line: Line, target: Target, number: Decimal) -> None:
        self.seen += 1
        constant = self._world.conserved.get(target)
        self.conserved += constant is not None
        if constant is not None and number != constant:
            raise Violation("b", f"{target} always bought {constant}, and shows {number}: {_told(line)}")
        since = _known_since(line["vendor_count"])
        true = set(self._world.totals(target, since, self._world.now))
        if number not in true:
            raise Violation("a", f"{target} shows {number} bought, true were {true}: {_told(line)}")

    def _check_billed(self, line: Line, target: Target, number: Decimal) -> None:
        self.seen += 1
        since = _known_since(line["psa_count"])
        written = [one for one in line["evidence"]["billed"] if _is_read_back(one)]
        if written:
            self._check_read_back(line, written, number)
            return
        true = [sum(one, Decimal(0)) for one in self._world.billed[target].values(since, self._world.now)]
        if number not in true:
            raise Violation("a", f"{target} shows {number} billed, true were {true}: {_told(line)}")

    def _check_read_back(self, line: Line, written: Sequence[Line], number: Decimal) -> None:
        """The read-back of a write counts at once: its line held the number; others may have come since."""
        since, now = _known_since(line["psa_count"]), self._world.now
        for one in written:
            facts = self._world.line_history[one["line_id"]].values(since, now)
            true = {each.quantity for each in facts if each}
            if Decimal(one["quantity"]) not in true or len(line["evidence"]["billed"]) > 1:
                raise Violation("a", f"{one['line_id']} shows {number} read back, true were {true}")


def _target(line: Line) -> Target:
    if line["psa_account_id"]:
        return str(line["psa_account_id"]), str(line["psa_product_id"])
    return str(line["vendor_account_id"]), str(line["service_id"])


def _plain(count: Mapping[str, Any]) -> Decimal | None:
    if count["number"] is None or count["missing"] not in (None, "absent"):
        return None
    return Decimal(count["number"])


def _is_read_back(billed: Line) -> bool:
    """Whether the line counts as a write read it, and not as a manifest names it that read it since."""
    return bool(billed["run_id"].startswith("write-")) and billed["as_of"] == billed["observed_at"]


def _known_since(count: Mapping[str, Any]) -> float:
    as_of = count["as_of"]
    return seconds_of(datetime.fromisoformat(as_of) - _CLOCKS_DIFFER) if as_of else 0.0


def _told(line: Line) -> str:
    numbers = {side: line[side] for side in ("vendor_count", "psa_count")}
    items = [(one["subscription_id"], one["quantity"]) for one in line["evidence"]["items"]]
    return f"{line['line_class']} {numbers} of {items} changed {line['changed_at']}"
