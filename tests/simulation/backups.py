"""Backups of the databases, taken every so often, and what it takes to go back to one."""

# Invariant: who restores a database ends every process of its service first, and begins them when it is done;
# the log, the providers and the databases of other services know nothing of it. What was in flight to the
# database is cut off.
#
#   backups at 30, 60, 90 s   at 100 s billing's database goes back 45 s → to that of 30 s: the newest as old

from collections import deque
from collections.abc import Callable, Mapping
from random import Random

from tests.simulation.store.database import Collection, Database

_EVERY_SECONDS = 30.0
_KEPT = 24
_YOUNGEST_SECONDS, _OLDEST_SECONDS = 45.0, 600.0

Later = Callable[[float, Callable[[], None]], None]


class Backups:
    """The last backups of every database."""

    def __init__(self, databases: Mapping[str, Database], clock: Callable[[], float], later: Later) -> None:
        self._databases, self._clock, self._later = databases, clock, later
        self._taken: deque[tuple[float, dict[str, dict[str, Collection]]]] = deque(maxlen=_KEPT)
        self.restored: dict[str, float] = {}
        """Which database went back, and to when."""

    def begin(self) -> None:
        """Takes a backup now, and again and again."""
        self._taken.append((self._clock(), {name: one.copy() for name, one in self._databases.items()}))
        self._later(_EVERY_SECONDS, self.begin)

    def restore(self, name: str, random: Random) -> float:
        """Sets one database back to what it was; returns the moment of which it is now."""
        until = self._clock() - random.uniform(_YOUNGEST_SECONDS, _OLDEST_SECONDS)
        at, contents = max((one for one in self._taken if one[0] <= until), default=self._taken[0], key=_at)
        self._databases[name].restore(contents[name])
        self.restored[name] = at
        return at


def _at(backup: tuple[float, object]) -> float:
    return backup[0]
