"""How patient a call is, and what it remembers between its attempts."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import uniform
from typing import Protocol

import stamina

from shared.errors import TransientError
from shared.http_client.response import ApiResponse, Json
from shared.runtime.backoff import backoff_seconds

_LONGEST_PAUSE = 60.0
LONGEST_HOLD = 7 * 24 * 3600.0
"""Seconds that a provider is waited for on its own word: a daily quota comes back (architecture §4)."""


class RateLimit(Protocol):
    """A share of a provider's rate limit, held by every worker together."""

    @property
    def held_for(self) -> float:
        """Seconds until whoever waits for it may call."""

    async def spend(self) -> None:
        """Wait until one call may be made, however long that is."""

    async def pause(self, seconds: float) -> None:
        """Stop everyone for so long: the provider said so."""


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """Times in seconds; `deadline` is for a call with all its attempts, without waiting for the budget.

    `floor` is the first pause after a throttled answer that names no time; it doubles.
    A status in `renew_on` makes the call ask for new access, once.
    """

    connect: float = 10.0
    read: float = 120.0
    attempts: int = 6
    deadline: float = 900.0
    floor: float = 2.0
    first_wait: float = 0.5
    max_body: int = 32 * 1024 * 1024
    renew_on: frozenset[int] = frozenset({401})


class AccessRenewed(Exception):
    """Access was renewed: the same call goes out again, and this answer stands if it cannot."""

    def __init__(self, answer: ApiResponse) -> None:
        super().__init__(f"{answer.call} goes out again with new access")
        self.answer = answer


class GarbledResponse(TransientError):
    """A success whose body cannot be read; worth another try."""


@dataclass(slots=True)
class Call:
    """One call with everything that its attempts share."""

    method: str
    path: str
    policy: CallPolicy
    reads: bool
    """Changes nothing over there, so it may be sent again."""
    params: Mapping[str, str | int] | None = field(default=None, repr=False)
    json: Json = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    host: str = ""
    sent: int = 0
    renewed: bool = False
    may_have_acted: bool = False
    """A change went out and its answer is not known."""
    started: float = field(default_factory=time.monotonic)
    waited_for_budget: float = 0.0
    held: bool = False
    """The budget keeps the provider's pause, for everyone, and its time is not the call's."""

    @property
    def left(self) -> float:
        return self.policy.deadline - (time.monotonic() - self.started - self.waited_for_budget)

    def doubt(self) -> None:
        """What was sent may have taken effect, which matters when it was a change."""
        self.may_have_acted |= not self.reads

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """Time spent in here is not the call's."""
        since = time.monotonic()
        try:
            yield
        finally:
            self.waited_for_budget += time.monotonic() - since

    def attempts(self) -> AsyncIterator[stamina.Attempt]:
        return stamina.retry_context(
            on=self._pause,
            attempts=self.policy.attempts,
            timeout=None,
            wait_initial=self.policy.first_wait,
            wait_max=_LONGEST_PAUSE,
            wait_jitter=self.policy.first_wait,
        ).__aiter__()

    def pause_after(self, answer: ApiResponse) -> float:
        """How long a throttled provider is left alone: its own word wins over any floor of ours."""
        if answer.retry_after is not None:
            return answer.retry_after
        grown = backoff_seconds(self.sent, first=self.policy.floor, longest=_LONGEST_PAUSE)
        return grown + uniform(0, self.policy.first_wait)  # noqa: S311 (spreads load, hides nothing)

    def _pause(self, error: Exception) -> bool | float:
        """Stamina's hook: whether to go on, and after how many seconds if not its own choice."""
        if isinstance(error, AccessRenewed):
            return 0.0
        if not isinstance(error, TransientError) or not self.reads:
            return False
        if error.retry_after is None:
            return self.left > 0
        if self.held:
            return 0.0 if self.waited_for_budget + error.retry_after < LONGEST_HOLD else False
        return error.retry_after if error.retry_after < self.left else False
