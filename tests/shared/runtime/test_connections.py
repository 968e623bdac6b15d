import asyncio
import time
from dataclasses import dataclass, field

from shared.runtime.connections import HEALTH_RESERVE, ConnectionPhase, ConnectionTable
from shared.runtime.settings import HttpSettings


@dataclass(eq=False)
class FakeConnection:
    """Notes how it was closed, in the order in which connections were."""

    name: str
    closed: list[str] = field(default_factory=list)
    address: str = "10.0.0.9"

    def give_way(self) -> None:
        self.closed.append(f"{self.name} gave way")

    def end_late(self) -> None:
        self.closed.append(f"{self.name} was late")


def a_table(*, connections: int = 100, half_open: int = 100, head_seconds: int = 60) -> ConnectionTable:
    return ConnectionTable(
        HttpSettings(connections=connections, half_open_connections=half_open, head_seconds=head_seconds)
    )


async def test_connections_that_come_at_once_are_let_in_though_none_has_asked_yet() -> None:
    table, closed = a_table(half_open=3), list[str]()

    assert all(table.open(FakeConnection(f"{number}", closed)) for number in range(10))
    assert closed == []


async def test_of_half_open_connections_those_of_the_busiest_address_give_way() -> None:
    table, closed = a_table(half_open=3), list[str]()
    table.open(FakeConnection("honest", closed, address="10.0.0.5"))
    table.open(FakeConnection("first", closed))
    table.open(FakeConnection("second", closed))
    async with asyncio.timeout(30):
        while not closed:
            table.open(FakeConnection("further", closed))
            await asyncio.sleep(0.05)

    assert closed[0] == "first gave way"
    assert "honest gave way" not in closed


async def test_a_process_that_stood_still_ends_nobody_whose_head_it_has_only_to_read() -> None:
    table, closed = a_table(half_open=3), list[str]()
    for number in range(9):
        table.open(FakeConnection(f"{number}", closed))

    time.sleep(1.2)  # noqa: ASYNC251  the process stands still
    table.open(FakeConnection("newcomer", closed))

    assert closed == []


async def test_when_all_are_taken_whoever_waits_for_the_client_gives_way_and_none_at_work() -> None:
    table, closed = a_table(connections=4), list[str]()
    for phase in (ConnectionPhase.AT_WORK, ConnectionPhase.BODY, ConnectionPhase.IDLE, ConnectionPhase.HEAD):
        connection = FakeConnection(phase.name, closed)
        table.open(connection)
        table.enter(connection, phase)

    for _ in range(3):
        newcomer = FakeConnection("newcomer", closed)
        assert table.open(newcomer)
        table.enter(newcomer, ConnectionPhase.AT_WORK)

    assert closed == ["HEAD gave way", "IDLE gave way", "BODY gave way"]


async def test_beyond_the_bound_a_few_are_let_in_for_health_only() -> None:
    table = a_table(connections=2)
    for number in range(2 + HEALTH_RESERVE):
        connection = FakeConnection(f"{number}")
        assert table.open(connection) is (number < 2)
        table.enter(connection, ConnectionPhase.AT_WORK)
    assert not table.full

    table.open(FakeConnection("one too many"))

    assert table.full


async def test_a_connection_that_gave_way_is_not_asked_to_again_before_its_socket_is_closed() -> None:
    table, closed = a_table(connections=2), list[str]()
    first, second = FakeConnection("first", closed), FakeConnection("second", closed)
    for connection in (first, second):
        table.open(connection)
        table.enter(connection, ConnectionPhase.IDLE)

    assert table.open(FakeConnection("third", closed))
    table.enter(first, ConnectionPhase.HEAD)
    table.enter(second, ConnectionPhase.AT_WORK)
    assert table.open(FakeConnection("fourth", closed))

    assert closed == ["first gave way", "third gave way"]


async def test_a_connection_that_was_closed_makes_room() -> None:
    table = a_table(connections=1)
    first = FakeConnection("first")
    table.open(first)
    table.enter(first, ConnectionPhase.AT_WORK)
    table.close(first)
    table.close(first)

    assert table.open(FakeConnection("second"))


async def test_heads_are_late_in_the_order_in_which_they_began() -> None:
    table, closed = a_table(head_seconds=1), list[str]()
    quick = FakeConnection("quick", closed)
    for connection in (FakeConnection("a", closed), quick, FakeConnection("b", closed)):
        table.open(connection)
    table.enter(quick, ConnectionPhase.AT_WORK)

    async with asyncio.timeout(30):
        while len(closed) < 2:
            await asyncio.sleep(0.05)

    assert closed == ["a was late", "b was late"]
