"""Counts the open connections of a process by what each waits for, and chooses which one gives way."""

# Invariant: after each turn of the loop the process holds at most `connections` sockets of clients (and a few
# more for health), of which at most `half_open_connections` have not sent a whole head. A connection counts
# until its socket is closed: one with bytes that its client does not take is `UNREAD`, closed by us or not,
# and one that gives way is cut, not closed, where closing would wait for its client. A new one is always let
# in as long as another waits for its client: first half-open ones give way, then idle ones, then those whose
# answer is not taken, then those whose body is still coming, each the longest-waiting first:
#
#   three may be half-open; a b are 10.0.0.9's, c is 10.0.0.5's, d of 10.0.0.9 comes  →  a gives way, if it
#   has had its second, not counting what the process itself stood still
#   all ten are at work: an eleventh is let in as well, and only health is told on it; of those at work one
#   whose client has sent further requests ahead ends with the answer in hand

import asyncio
from collections import Counter
from enum import Enum, auto
from itertools import chain
from typing import Protocol

from shared.limits import http as limits
from shared.limits import record_hit
from shared.runtime.settings import HttpSettings

HEALTH_RESERVE = 16
"""Connections beyond the bound, on which only health is told."""
_GRACE_SECONDS = 1.0
"""How long a half-open connection stays while there is room: many honest ones may come at once."""

_TURN_SECONDS = 0.1


class ConnectionPhase(Enum):
    """What a connection waits for."""

    HEAD = auto()
    IDLE = auto()
    UNREAD = auto()
    """The client has not taken all of what was answered."""
    BODY = auto()
    AT_WORK = auto()
    ENDED = auto()
    """The socket is closed at the next turn of the loop, whatever the client does."""


_GIVING_WAY = (ConnectionPhase.HEAD, ConnectionPhase.IDLE, ConnectionPhase.UNREAD, ConnectionPhase.BODY)
"""The phases in which a connection waits for its client, in the order in which they give way."""


class ClientConnection(Protocol):
    """A connection as the table sees it."""

    @property
    def address(self) -> str:
        """The address of the client, without the port."""
        ...

    def give_way(self) -> None:
        """Ends the connection for a newer one, with an answer where its client has begun to ask and takes it.

        Its socket is closed at the next turn of the loop.
        """
        ...

    def end_late(self) -> None:
        """Ends the connection, whose head was not complete, or whose answer was not taken, in time.

        Its socket is closed at the next turn of the loop.
        """
        ...


class ConnectionTable:
    """All open connections of a process, by phase, and in each phase in the order in which they entered."""

    def __init__(self, settings: HttpSettings) -> None:
        self._most, self._most_half_open = settings.connections, settings.half_open_connections
        self.head_seconds = settings.head_seconds
        self._phase_of: dict[ClientConnection, ConnectionPhase] = {}
        self._entered: dict[ConnectionPhase, dict[ClientConnection, float]] = {
            phase: {} for phase in ConnectionPhase
        }
        """The moment, on the loop's clock, at which each connection entered its phase."""
        self._most_seconds = {
            ConnectionPhase.HEAD: (settings.head_seconds, limits.REQUEST_HEAD_SECONDS),
            ConnectionPhase.UNREAD: (settings.unread_seconds, limits.UNREAD_ANSWER_SECONDS),
        }
        """How long a connection may be in a phase, and the limit that is hit beyond."""
        self._sweep_timers: dict[ConnectionPhase, asyncio.TimerHandle] = {}
        self._read_until = 0.0
        """The moment up to which all that half-open connections had sent was read."""
        self._read_timer: asyncio.TimerHandle | None = None

    def open(self, connection: ClientConnection) -> bool:
        """Lets a new connection in, in the phase `HEAD`; returns False if only health can be told on it."""
        self._make_room(connection.address)
        self.enter(connection, ConnectionPhase.HEAD)
        return self._count <= self._most

    def enter(self, connection: ClientConnection, phase: ConnectionPhase) -> None:
        """Notes the phase of a connection; one that is in it already stays where it stands in the order."""
        before = self._phase_of.get(connection)
        if before in {phase, ConnectionPhase.ENDED}:
            return
        if before:
            del self._entered[before][connection]
        self._phase_of[connection] = phase
        loop = asyncio.get_running_loop()
        self._entered[phase][connection] = loop.time()
        if phase is ConnectionPhase.HEAD and self._read_timer is None:
            self._note_turn()
        if phase in self._most_seconds and phase not in self._sweep_timers:
            self._sweep_timers[phase] = loop.call_later(self._most_seconds[phase][0], self._sweep, phase)

    def close(self, connection: ClientConnection) -> None:
        """Forgets a connection whose socket is closed; one that is not known is none to forget."""
        phase = self._phase_of.pop(connection, None)
        if phase:
            del self._entered[phase][connection]

    @property
    def crowded(self) -> bool:
        """Whether a newer connection needs the place of another."""
        return self._count >= self._most

    @property
    def full(self) -> bool:
        """Whether even the connections that are kept for health are taken."""
        return self._count > self._most + HEALTH_RESERVE

    @property
    def _count(self) -> int:
        return len(self._phase_of) - len(self._entered[ConnectionPhase.ENDED])

    def _make_room(self, address: str) -> None:
        half_open = self._entered[ConnectionPhase.HEAD]
        while len(half_open) >= self._most_half_open:
            by_address = Counter(connection.address for connection in half_open)
            by_address[address] += 1
            ((busiest, _),) = by_address.most_common(1)  # of equals the one that was counted first
            oldest = next(connection for connection in half_open if connection.address == busiest)
            if self._read_until < half_open[oldest] + _GRACE_SECONDS:
                break
            record_hit(limits.HALF_OPEN_CONNECTIONS)
            self._end(oldest)
        if self.crowded:
            record_hit(limits.CONNECTIONS)
            waiting = chain.from_iterable(self._entered[phase] for phase in _GIVING_WAY)
            if (longest_waiting := next(waiting, None)) is not None:
                self._end(longest_waiting)

    def _note_turn(self) -> None:
        """Notes what was read by now, again and again while there are half-open connections.

        The loop reads what has come before it calls a timer. A process that stood still for longer than the
        grace would end connections for it whose heads it has only to read.
        """
        loop = asyncio.get_running_loop()
        self._read_until, self._read_timer = loop.time(), None
        if self._entered[ConnectionPhase.HEAD]:
            self._read_timer = loop.call_later(_TURN_SECONDS, self._note_turn)

    def _end(self, connection: ClientConnection) -> None:
        self.enter(connection, ConnectionPhase.ENDED)
        connection.give_way()

    def _sweep(self, phase: ConnectionPhase) -> None:
        """Ends the connections that are late in a phase. One timer serves all: the oldest stands first."""
        del self._sweep_timers[phase]
        loop, entered = asyncio.get_running_loop(), self._entered[phase]
        seconds, limit = self._most_seconds[phase]
        while entered:
            connection, since = next(iter(entered.items()))
            if loop.time() < since + seconds:
                self._sweep_timers[phase] = loop.call_at(since + seconds, self._sweep, phase)
                return
            record_hit(limit)
            self.enter(connection, ConnectionPhase.ENDED)
            connection.end_late()
