"""What the oracle says of messages that were committed, by what became of them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random

import pytest

from tests.simulation.log import Log
from tests.simulation.oracle.outboxes import Outboxes
from tests.simulation.oracle.violation import Violation
from tests.simulation.store.database import Database, Record
from tests.simulation.virtual_loop import VirtualLoop

_TOPIC = "billing.usage-line-changed.v1"


class _Told:
    """A database that commits messages of one key, and a log that gets some of them."""

    def __init__(self) -> None:
        loop = VirtualLoop(Random(1))  # type: ignore[abstract]  # it has what asyncio calls
        self.database = Database("billing", lambda: datetime(2025, 1, 6, tzinfo=UTC))
        self.log = Log(loop, Random(1))
        self.outboxes = Outboxes({"billing": self.database}, self.log)
        self._revision = 0

    def commit(self, *ids: str) -> None:
        for id_ in ids:
            self._revision += 1
            self.commit_at(id_, self._revision)

    def commit_at(self, id_: str, revision: int) -> None:
        body = json.dumps({"revision": revision}).encode()
        row = {"_id": id_, "topic": _TOPIC, "key": "line1", "body": body}
        self.database.commit({("outbox", id_): Record(row)})

    def send(self, *ids: str) -> None:
        for id_ in ids:
            self.log.append(_TOPIC, b"line1", b"{}", {"ce_id": id_})


@pytest.mark.parametrize("sent", ["AB", "ABAB", "ABB", "BAB"])
def test_what_is_sent_once_or_again_in_order_is_well(sent: Sequence[str]) -> None:
    told = _Told()
    told.commit("A", "B")

    told.send(*sent)

    told.outboxes.check()


@pytest.mark.parametrize(("sent", "invariant"), [("A", "g"), ("", "g"), ("BA", "h"), ("ABA", "h")])
def test_what_is_lost_or_out_of_order_is_noticed(sent: Sequence[str], invariant: str) -> None:
    told = _Told()
    told.commit("A", "B")
    told.send(*sent)

    with pytest.raises(Violation, match=rf"\({invariant}\)"):
        told.outboxes.check()


def test_a_message_that_a_reader_set_aside_was_sent_where_it_was_sent_first() -> None:
    told = _Told()
    told.commit("A", "B")
    told.send("A", "B")

    for id_ in "BA":
        told.log.append("billing.dead-letter.v1", b"line1", b"{}", {"ce_id": id_})

    told.outboxes.check()


def test_what_a_restored_database_has_lost_is_promised_no_more() -> None:
    told = _Told()
    told.commit("A", "B")
    told.send("A")

    told.database.restore({})
    told.outboxes.note_restore("billing")

    told.outboxes.check()


def test_a_state_that_does_not_outrank_what_was_told_before_is_noticed() -> None:
    told = _Told()
    told.commit_at("A", 5)
    told.send("A")

    told.database.restore({})
    told.outboxes.note_restore("billing")
    told.commit_at("B", 4)
    told.send("B")

    with pytest.raises(Violation, match=r"\(h\)"):
        told.outboxes.check()
