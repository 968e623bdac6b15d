"""How requests travel: each takes a while both ways, and the request or its answer may be lost."""

# Invariant: a server carries a request out at one instant, after it was sent and before it is answered. The
# sender may be dead or paused by then; a lost request is never carried out, a lost answer leaves the sender
# in doubt:
#
#   sent 1.000   carried out 1.004 (or never)   answered 1.009 (or an error at 1.009)

import asyncio
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from tests.simulation.virtual_loop import PROCESS, VirtualLoop

if TYPE_CHECKING:
    from tests.simulation.process import Process

_WORLD = Context()
"""In which servers run: that of no process."""


@dataclass(frozen=True, slots=True)
class Link:
    """How good the connection to one server is."""

    shortest: float
    longest: float
    """Seconds, each way."""
    lost: float = 0.0
    """Share of requests that are never carried out."""
    unanswered: float = 0.0
    """Share of requests that are carried out, and not answered."""
    slow: float = 0.01
    """Share of ways that take a hundred times as long."""


class Again(Exception):
    """A server cannot carry a request out just now, and does a moment later."""


class Network:
    """Carries requests from processes to servers; `is_faulty` turns losses off when a run is to calm down."""

    def __init__(self, loop: VirtualLoop, random: Random) -> None:
        self.loop, self._random, self.is_faulty = loop, random, True
        self.caller: Process | None = None
        """Whose request is being carried out."""

    async def call(self, link: Link, serve: Callable[[], Any], broken: Callable[[bool], Exception]) -> Any:
        """Returns what `serve` returned, or raises what it raised, or what `broken` makes of a lost request.

        `broken` is told whether the request was carried out.
        """
        process = PROCESS.get()
        if process is not None:
            process.require_running()
        answer = self.loop.create_future()
        draw = self._random.random() if self.is_faulty else 1.0
        lost = draw < link.lost
        unanswered = not lost and draw < link.lost + link.unanswered

        def arrive() -> None:
            self.caller = process
            try:
                result, error = (None, broken(False)) if lost else (serve(), None)
            except Again:
                self.loop.call_later(link.longest, arrive, context=_WORLD)
                return
            except Exception as raised:  # noqa: BLE001  the sender gets it
                result, error = None, raised
            if unanswered:
                result, error = None, broken(True)
            self.loop.call_later(self.way(link), _answer, answer, result, error, context=_WORLD)

        self.loop.call_later(self.way(link), arrive, context=_WORLD)
        return await answer

    def way(self, link: Link) -> float:
        """How long one way takes now, in seconds."""
        seconds = link.shortest + (link.longest - link.shortest) * self._random.random() ** 3
        return seconds * 100 if self._random.random() < link.slow else seconds

    def later(self, seconds: float, callback: Callable[[], object]) -> None:
        """Does something in the world, whatever becomes of the processes."""
        self.loop.call_later(seconds, callback, context=_WORLD)


def _answer(future: "asyncio.Future[Any]", result: Any, error: Exception | None) -> None:
    if not future.done():
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
