"""A pass over a tenant's requests, united, so that an account that many of them name is calculated once."""

# Invariant: a request is completed once every account that it names has been calculated since it was read.
# Accounts come in the order of the oldest requests, so that these are completed first.
#
#   m1 {a, b}, m2 {b, c}   → a, b, c   finish(b) completes none   finish(a, c) completes m1 and m2

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from billing.usage.recalculation_request import RecalculationRequest
from billing.usage.ref import Ref


@dataclass(slots=True)
class _OpenRequest:
    """A request that was read, and how many of its accounts are still to be calculated."""

    id: str
    enqueued_at: datetime
    accounts_left: int


@dataclass(slots=True)
class ReconciliationPass:
    """Keeps which accounts are left, and which requests wait for each of them."""

    started_at: datetime
    _waiting: dict[Ref, list[_OpenRequest]] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many accounts are left."""
        return len(self._waiting)

    def add(self, request: RecalculationRequest) -> None:
        """Adds a request that names accounts only; call it with the oldest first."""
        open_request = _OpenRequest(request.id, request.enqueued_at, len(request.refs))
        for account in request.refs:
            self._waiting.setdefault(account, []).append(open_request)

    def next_accounts(self, limit: int) -> list[Ref]:
        """The accounts to calculate next, at most `limit`."""
        return list(islice(self._waiting, limit))

    def waiting_since(self, account: Ref) -> datetime:
        """When the oldest of the requests that name this account was enqueued."""
        return min(request.enqueued_at for request in self._waiting[account])

    def finish(self, accounts: Iterable[Ref]) -> list[str]:
        """Takes accounts out of the pass, whether they are in it or not.

        Returns the ids of the requests of which nothing is left.
        """
        completed = []
        for account in accounts:
            for request in self._waiting.pop(account, ()):
                request.accounts_left -= 1
                if not request.accounts_left:
                    completed.append(request.id)
        return completed
