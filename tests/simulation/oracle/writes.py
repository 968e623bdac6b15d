"""(e) and (f): nothing is sent that was not approved as it is, and what was proven is what the PSA holds."""

# Everything that the person was shown of the line must hold at an instant between our last look at it and the
# moment of sending: the window behind that look cannot be closed, for no write is conditional.
#
#   shown: 8 at 20, p1   looked at: 8 at 20, p1   the price becomes 21   sent → as approved, seen just now
#   shown: 8 at 20, p1   the price becomes 21   looked at: 8 at 21   sent → a violation

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.simulation.oracle.violation import Violation
from tests.simulation.process import seconds_of
from tests.simulation.store.database import Document, Written
from tests.simulation.world import BilledFacts, World

Line = Mapping[str, Any]
_CLOCKS_DIFFER_SECONDS, _REPLICAS_DIFFER_SECONDS = 10, 3


class Writes:
    """Looks at every write in the moment in which it is sent, and at every approval that ends."""

    def __init__(
        self,
        world: World,
        shown: Callable[[str], Line | None],
        last_look: Mapping[str, float],
    ) -> None:
        """`shown` returns the line on which an approval rests; `last_look` when each line was read last."""
        self._world, self._shown, self._last_look = world, shown, last_look
        self._approvals: dict[str, Document] = {}
        """Each as it was stored last, also those that billing's database has lost since."""
        self._lost: set[str] = set()
        self._arrived: list[tuple[str, Decimal, float]] = []
        """Which line took which number, and when that was sent."""
        self.sent = self.proven = 0

    def is_lost(self, approval_id: str) -> bool:
        """Tells whether billing's database went back behind the decision."""
        return approval_id in self._lost

    def on_send(self, line_id: str, quantity: Decimal) -> None:
        self.sent += 1
        approvals = [one for one in self._approvals_of(line_id) if Decimal(one["target"]) == quantity]
        lines = [line for one in approvals if (line := self._shown(one["approval_id"]))]
        if not lines:
            raise Violation("e", f"nobody approved {quantity} for line {line_id}")
        facts = list(self._world.line_history[line_id].values(self._last_look[line_id], self._world.now))
        if not any(_agrees(fact, line, quantity) for fact in facts if fact for line in lines):
            raise Violation("e", f"{quantity} is sent to {facts}, shown was {_billed(lines[-1])}")

    def on_arrive(self, line_id: str, quantity: Decimal, sent_at: float) -> None:
        """A request takes effect now: it must undo nothing that was decided and proven since it was sent."""
        self._arrived.append((line_id, quantity, sent_at))
        for one in self._approvals_of(line_id):
            later = _seconds(one["decided_at"]) > sent_at + _CLOCKS_DIFFER_SECONDS
            if later and one["state"] == "written" and Decimal(one["after"]) != quantity:
                raise Violation("f", f"{quantity} of {sent_at:.0f} s arrives at line {line_id} after {one}")

    def on_commit(self, written: Sequence[Written]) -> None:
        for one in written:
            if one.collection != "approvals" or one.after is None:
                continue
            self._approvals[one.after["approval_id"]] = one.after
            if one.after["state"] == "written":
                self.proven += 1
                self._check_proof(one.after)
            elif one.after["state"] == "refused":
                self._check_refusal(one.after)

    def note_restore(self, service: str, at: float) -> None:
        """A database is as it was at a moment: billing's knows nothing of what was decided since."""
        if service == "billing":
            decided = {id_: _seconds(one["decided_at"]) for id_, one in self._approvals.items()}
            since = at - _CLOCKS_DIFFER_SECONDS
            self._lost |= {id_ for id_, seconds in decided.items() if seconds > since}

    def check_at_rest(self) -> None:
        """The last number of ours in the PSA is proven, or somebody was told that it may not be."""
        for line_id in {line_id for _, line_id, _ in self._world.our_writes}:
            at, _, quantity = [one for one in self._world.our_writes if one[1] == line_id][-1]
            if any(other == line_id and then > at for then, other in self._world.foreign_writes):
                continue
            approvals = self._approvals_of(line_id)
            proven = [one for one in approvals if one["state"] == "written"]
            lost = [one for one in approvals if one["approval_id"] in self._lost]
            doubted = [*lost, *(one for one in approvals if one["state"] == "quarantined")]
            last = max(proven, key=lambda one: _seconds(one["ended_at"]), default=None)
            if last is not None and Decimal(last["after"]) == quantity:
                continue
            if not any(Decimal(one["target"]) == quantity for one in doubted):
                raise Violation("f", f"line {line_id} holds our {quantity}, proven was {last}")

    def _check_proof(self, approval: Document) -> None:
        first, last = _seconds(approval["decided_at"]) - _CLOCKS_DIFFER_SECONDS, self._world.now
        held = self._world.line_history[approval["agreement_line_id"]].values(first, last)
        if Decimal(approval["after"]) not in {one.quantity for one in held if one}:
            raise Violation("f", f"{approval['after']} is proven, and was never there: {approval}")

    def _check_refusal(self, approval: Document) -> None:
        """What is told to have been refused was not taken: else a person must be told to look."""
        since = _seconds(approval["decided_at"]) - _REPLICAS_DIFFER_SECONDS
        for line_id, quantity, sent_at in self._arrived:
            is_its_own = (line_id, quantity) == (approval["agreement_line_id"], Decimal(approval["target"]))
            if is_its_own and sent_at > since:
                raise Violation("f", f"{quantity} of {sent_at:.0f} s was taken, and is refused: {approval}")

    def _approvals_of(self, line_id: str) -> list[Document]:
        return [one for one in self._approvals.values() if one["agreement_line_id"] == line_id]


def _agrees(fact: BilledFacts, line: Line, quantity: Decimal) -> bool:
    shown = _billed(line)
    return (
        (fact.company, fact.product) == (line["psa_account_id"], line["psa_product_id"])
        and fact.agreement == shown["agreement_id"]
        and fact.is_open
        and fact.price == Decimal(shown["unit_price"])
        and fact.included == Decimal(shown["included"])
        and fact.quantity in (Decimal(shown["quantity"]), quantity)
    )


def _billed(line: Line) -> Line:
    billed: Line = line["evidence"]["billed"][0]
    return billed


def _seconds(moment: datetime | str) -> float:
    return seconds_of(datetime.fromisoformat(moment) if isinstance(moment, str) else moment)
