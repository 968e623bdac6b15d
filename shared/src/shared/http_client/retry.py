"""How patient a call is, and what it remembers between its attempts."""

# Invariant: a call is sent again only if that does no harm. A read is sent up to `attempts` times; a change
# once, and once more if its access was refused and renewed. After a fault a change was either certainly not
# made (no connection, 429) or has an unknown outcome. What it was decided on grows old, so it goes out within
# `change_wait` of the call's beginning, however long the rate limit, auth or a refusal took, or not at all:
#
#   PATCH → 401 after 1 s, renewed after 2 s     sent again
#   PATCH → 401 after 1 s, auth takes minutes    TransientError after 5 s: nothing was made
#
# `total_timeout` bounds the call's own time, which waiting in the rate limit, with all other workers, is not.
# Nothing is waited for longer than `CALL_WAIT_SECONDS` at a time, for whoever called holds a worker:
#
#   429, Retry-After 30   sent again after 30 s; with a rate limit all workers wait there
#   403, quota in 5 h     LongPause, and with a rate limit for every later call as well: the caller puts its
#                         work down
#   503, Retry-After 90   raised as it is: a fault may be of the one thing that was asked for

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import uniform
from typing import Protocol, TypeVar

import stamina

from shared.errors import ConnectedAnew, LongPause, TransientError
from shared.http_client.answer_size import SMALL, AnswerSize
from shared.http_client.json_document import Json
from shared.http_client.response import ApiResponse
from shared.limits import record_hit
from shared.limits.answers import CALL_WAIT_SECONDS
from shared.runtime.backoff import backoff_seconds
from shared.runtime.clock import monotonic_seconds

CHANGE_WAIT = timedelta(seconds=5)
"""How long a change may wait to go out; its sender counts on it."""

_LONGEST_PAUSE_SECONDS = float(CALL_WAIT_SECONDS.most)
"""The longest pause of our own, with what chance adds to it."""

T = TypeVar("T")


class RateLimit(Protocol):
    """A share of a provider's rate limit, held by all workers together."""

    async def acquire(self) -> None:
        """Waits until one call may be made; raises `LongPause` when it would have to wait for long."""

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
    change_wait: timedelta = CHANGE_WAIT
    """From the beginning of the call until a change goes out, for the last time: for the rate limit, for
    access and for a refusal that renews it. One that waits longer is not sent; its sender looks again."""
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
    started_seconds: float = field(default_factory=monotonic_seconds)
    """A moment of `monotonic_seconds`: a change does not go out after its machine has slept."""
    rate_limit_wait_seconds: float = 0.0
    paused_by_rate_limit: bool = False
    """The rate limit keeps the provider's pause, for everyone: the call itself need not wait for it."""

    @property
    def age_seconds(self) -> float:
        return monotonic_seconds() - self.started_seconds

    @property
    def left_seconds(self) -> float:
        """What is left of the call's own time."""
        own_seconds = self.age_seconds - self.rate_limit_wait_seconds
        return self.policy.total_timeout.total_seconds() - own_seconds

    def note_unclear_answer(self) -> None:
        """Notes that the call was sent and its answer says nothing certain, which matters for a change."""
        self.outcome_unknown |= not self.read_only

    async def pass_rate_limit(self, rate_limit: RateLimit) -> None:
        """Waits its turn; raises what `in_time` raises."""
        since = monotonic_seconds()
        try:
            await self.in_time(rate_limit.acquire())
        finally:
            self.rate_limit_wait_seconds += monotonic_seconds() - since

    async def in_time(self, wait: Awaitable[T]) -> T:
        """Waits for what the call needs before it goes out; of a change, for what is left of `change_wait`.

        Raises `TransientError` for a change that would have to wait longer: nothing of it was made.
        """
        try:
            async with asyncio.timeout(self._change_left_seconds):
                return await wait
        except TimeoutError as error:
            raise self._too_late() from error

    def assert_in_time(self) -> None:
        """Raises `TransientError` for a change that has waited for too long to go out (or out again)."""
        left_seconds = self._change_left_seconds
        if left_seconds is not None and left_seconds <= 0:
            raise self._too_late()

    @property
    def _change_left_seconds(self) -> float | None:
        """Within what time a change must go out; None for a read."""
        return None if self.read_only else self.policy.change_wait.total_seconds() - self.age_seconds

    def _too_late(self) -> TransientError:
        sentence = f"{self.method} {self.path} had no turn in the rate limit, or no access, in time"
        return TransientError(f"{sentence}: nothing was changed")

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
        most_chance = self.policy.fault_pause.total_seconds()
        longest = _LONGEST_PAUSE_SECONDS - most_chance
        pause_seconds = backoff_seconds(self.sent, first=first_seconds, longest=longest)
        return pause_seconds + uniform(0, most_chance)  # noqa: S311 (spreads load, hides nothing)

    def _retry_decision(self, error: Exception) -> bool | float:
        """Stamina's hook: False ends the call, True retries after stamina's pause, a number after so long."""
        if isinstance(error, AccessRenewed):
            return 0.0
        is_final = not self.read_only or isinstance(error, LongPause | ConnectedAnew)
        if is_final or not isinstance(error, TransientError):
            return False
        if self.policy.answers_are_final and error.status is not None:
            return False
        if error.retry_after is None:
            return self.left_seconds > 0
        if self.paused_by_rate_limit:  # no pause of our own: the next `acquire` waits for everyone
            return 0.0
        is_awaited = not is_long(error.retry_after) and error.retry_after < self.left_seconds
        return error.retry_after if is_awaited else False


def throttled(sentence: str, *, retry_after: float, status: int | None) -> TransientError:
    """Returns the error that ends an attempt at a throttled provider: `LongPause` ends its call as well."""
    kind = LongPause if is_long(retry_after) else TransientError
    return kind(sentence, retry_after=retry_after, status=status)


def is_long(seconds: float) -> bool:
    """Tells whether it is too long to wait for while holding a worker, and counts it then."""
    if seconds <= CALL_WAIT_SECONDS.most:
        return False
    record_hit(CALL_WAIT_SECONDS)
    return True
