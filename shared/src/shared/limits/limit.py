"""A limit, and how often each was hit in this process."""

# Invariant: what is larger than its limit is refused or shortened, in a way that can be seen, and counted
# here by the limit's name (all but the one that ends the process); `/health/ready` of each service shows the
# counts, which are kept in memory only:
#
#   record_hit(NAME_CHARACTERS)   hits() == {"name-characters": 1}
#
# The table of `shared/README.md` is generated from this module (`make catalogue`).

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that is taken of something, and what happens to more."""

    name: str
    most: int
    unit: str
    bounds: str
    """What the limit is on, for the table."""
    beyond: str
    """What happens to what is larger, for the table."""

    def __str__(self) -> str:
        return f"{self.most:,} {self.unit}"


_hits: Counter[str] = Counter()


def record_hit(limit: Limit) -> None:
    """Counts that something was larger than the limit."""
    _hits[limit.name] += 1


def hits() -> dict[str, int]:
    """Returns how often each limit was hit since the process started, by name; never hit, it is left out."""
    return dict(_hits)
