"""Marks: what must be reconciled again, and the rounds in which that is done."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice


@dataclass(frozen=True, slots=True)
class WorkItem:
    """Refs that news came for; it stays until the lines they lead to are stored."""

    id: str
    tenant_id: str
    touched: Mapping[str, Sequence[str]]
    """By ref: the keys of the subscriptions that were told of under it."""
    at: datetime


@dataclass(slots=True)
class _Waiting:
    """A mark, and how many of its accounts are still to be seen to."""

    id: str
    at: datetime
    left: int


@dataclass(slots=True)
class ReconciliationPass:
    """Marks of one tenant, united: an account that many of them name is seen to once.

    Accounts come in the order of the marks, so that the oldest marks are the first to be done with.
    """

    began: datetime
    _waiting: dict[str, list[_Waiting]] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many accounts are left."""
        return len(self._waiting)

    def add(self, mark: WorkItem) -> None:
        """Marks of accounts only, the oldest first."""
        waiting = _Waiting(mark.id, mark.at, len(mark.touched))
        for ref in mark.touched:
            self._waiting.setdefault(ref, []).append(waiting)

    def first(self, limit: int) -> list[str]:
        """The accounts (refs) to see to next."""
        return list(islice(self._waiting, limit))

    def since(self, ref: str) -> datetime:
        """When the first of the marks that name this account was made."""
        return min(mark.at for mark in self._waiting[ref])

    def seen_to(self, refs: Iterable[str]) -> list[str]:
        """These are done, whether asked for or not; returns the ids of marks of which nothing is left."""
        done = []
        for ref in refs:
            for mark in self._waiting.pop(ref, ()):
                mark.left -= 1
                if not mark.left:
                    done.append(mark.id)
        return done
