"""How patient a call is, and what it remembers between its attempts."""

# Invariant: a call is sent again only if that does no harm. A read is sent up to `attempts` times; a change
# once, and after a fault it was either certainly not made (no connection, 429) or has an unknown outcome.
# `total_timeout` bounds the call's own time, which waiting in the rate limit, with all other workers, is not:
#
#   429, Retry-After 30   sent again after 30 s
#   403, quota in 5 h     raised to the caller; with a rate limit: paused there for all, sent again after 5 h

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import uniform
from typing import Protocol

import stamina

from shared.errors import TransientError
from shared.http_client.answer_size import SMALL, AnswerSize
from shared.http_client.json_document import Json
from shared.http_client.response import ApiResponse
from shared.limits.answers import PROVIDER_PAUSE_SECONDS
from shared.runtime.backoff import backoff_seconds

_LONGEST_PAUSE_SECONDS = 60.0
LONGEST_PROVIDER_PAUSE = timedelta(seconds=PROVIDER_PAUSE_SECONDS.most)
"""How long a provider is waited for on its own word: a daily quota comes back (architecture §4)."""


class RateLimit(Protocol):
    """A share of a provider's rate limit, held by all workers together."""

    @property
    def wait_seconds(self) -> float:
        """Seconds until the next waiting call may go out; 0 when no call waits."""

    async def acquire(self) -> None:
        """Waits until one call may be made, however long that is."""

    async def pause(self, seconds: float) -> None:
        """Stops every worker for so long, because the provider said so."""


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """How long a call waits for what, and how often it is sent."""

    connect_timeout: timedelta = timedelta(seconds=10)
    read_timeout: timedelta = timedelta(seconds=120)
    """For the head of an answer to arrive, and each part of its body; `AnswerSize` bounds the whole body."""
    attempts: int = 6
    """At most, whatever the faults (architecture §4)."""
    total_timeout: timedelta = timedelta(minutes=15)
    """For a call with all its attempts and the pauses between them, without waiting for the rate limit."""
    throttle_pause: timedelta = timedelta(seconds=2)
    """The first pause after a throttled answer that names no time; it doubles."""
    fault_pause: timedelta = timedelta(milliseconds=500)
    """The first pause after any other fault, and the most that chance adds to a pause."""
    renew_on: frozenset[int] = frozenset({401})
    """The statuses on which a call asks for new access, once."""
    answers_are_final: bool = False
    """Only a call that got no answer is sent again. For a call inside a request: whoever sent the request is
    told to come back, where asking again and again would multiply a flood."""


class AccessRenewed(Exception):
    """Access was renewed: the same call is sent again, and this answer stands if it cannot be."""

    def __init__(self, answer: ApiResponse) -> None:
        super().__init__(f"{answer.call} goes out again with new access")
        self.answer = answer


class GarbledResponse(TransientError):
    """A success whose body cannot be read; a second try may help."""


@dataclass(slots=True)
class Call:
    """One call, with everything that its attempts share."""

    method: str
    path: str
    policy: CallPolicy
    read_only: bool
    """The call changes nothing at the far side, so it may be sent again."""
    answer: AnswerSize = SMALL
    params: Mapping[str, str | int] | None = field(default=None, repr=False)
    json: Json = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    host: str = ""
    sent: int = 0
    """How often the call went out."""
    access_renewed: bool = False
    outcome_unknown: bool = False
    """A change went out and its answer is not known: it may have been made."""
    started_seconds: float = field(default_factory=time.monotonic)
    """A moment of the monotonic clock."""
    rate_limit_wait_seconds: float = 0.0
    paused_by_rate_limit: bool = False
    """The rate limit keeps the provider's pause, for everyone: the call itself need not wait for it."""

    @property
    def left_seconds(self) -> float:
        """What is left of the call's own time."""
        own_seconds = time.monotonic() - self.started_seconds - self.rate_limit_wait_seconds
        return self.policy.total_timeout.total_seconds() - own_seconds

    def note_unclear_answer(self) -> None:
        """Notes that the call was sent and its answer says nothing certain, which matters for a change."""
        self.outcome_unknown |= not self.read_only

    @asynccontextmanager
    async def waiting_for_rate_limit(self) -> AsyncIterator[None]:
        """Counts the time that passes in the block as waiting for the rate limit."""
        since = time.monotonic()
        try:
            yield
        finally:
            self.rate_limit_wait_seconds += time.monotonic() - since

    def attempts(self) -> AsyncIterator[stamina.Attempt]:
        first_seconds = self.policy.fault_pause.total_seconds()
        return stamina.retry_context(
            on=self._retry_decision,
            attempts=self.policy.attempts,
            timeout=None,
            wait_initial=first_seconds,
            wait_max=_LONGEST_PAUSE_SECONDS,
            wait_jitter=first_seconds,
        ).__aiter__()

    def throttle_seconds(self, answer: ApiResponse) -> float:
        """Returns how long a throttled provider is left alone: its own word wins over any pause of ours."""
        if answer.retry_after is not None:
            return answer.retry_after
        first_seconds = self.policy.throttle_pause.total_seconds()
        pause_seconds = backoff_seconds(self.sent, first=first_seconds, longest=_LONGEST_PAUSE_SECONDS)
        most_chance = self.policy.fault_pause.total_seconds()
        return pause_seconds + uniform(0, most_chance)  # noqa: S311 (spreads load, hides nothing)

    def _retry_decision(self, error: Exception) -> bool | float:
        """Stamina's hook: False ends the call, True retries after stamina's pause, a number after so long."""
        if isinstance(error, AccessRenewed):
            return 0.0
        if not isinstance(error, TransientError) or not self.read_only:
            return False
        if self.policy.answers_are_final and error.status is not None:
            return False
        if error.retry_after is None:
            return self.left_seconds > 0
        if self.paused_by_rate_limit:  # no pause of our own: the next `acquire` waits for everyone
            waited_seconds = self.rate_limit_wait_seconds + error.retry_after
            return 0.0 if waited_seconds < LONGEST_PROVIDER_PAUSE.total_seconds() else False
        return error.retry_after if error.retry_after < self.left_seconds else False
