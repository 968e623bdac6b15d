"""Shares one subscription of the status channel among all who follow a tenant in this process."""

# Invariant: however many follow a tenant, Redis sees one subscription and one reader of the snapshot, from
# the first follower until some moments after the last. A follower gets what the channel yields, in that
# order; what it has not taken yet gives way to a newer status of the same integration, so it holds at most
# one of each and always ends up with the newest:
#
#   the channel yields a1 b1 a2 a3 while a follower takes nothing: a3 b1 wait for it
#
# A follower that comes later begins with the newest of each that the subscription has yielded so far. When
# the subscription fails, all who share it fail; the next follower begins a new one.

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from functools import partial

import structlog

from shared.errors import TransientError
from shared.status_channel import RunStatus, StatusChannel

log = structlog.get_logger()

_LINGER = timedelta(seconds=5)
"""How long a subscription outlives its last follower: who loads a page again finds it there."""


class StatusHub:
    """Lets any number of streams follow tenants, each tenant over one subscription."""

    def __init__(self, channel: StatusChannel, *, linger: timedelta = _LINGER) -> None:
        self._channel, self._linger = channel, linger
        self._feeds: dict[str, _Feed] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def follow(
        self, tenant_id: str, *, lifetime: timedelta = timedelta.max
    ) -> AsyncGenerator[RunStatus, None]:
        """Yields every integration's newest status as it comes, beginning with the present ones.

        Ends after `lifetime`. Raises `TransientError` when Redis is away.
        """
        until_seconds = asyncio.get_running_loop().time() + lifetime.total_seconds()
        feed = self._feeds.get(tenant_id) or self._start(tenant_id)
        follower = feed.join()
        try:
            while status := await follower.next_status(until_seconds):
                yield status
        finally:
            feed.followers.discard(follower)
            self._end_later_if_unused(tenant_id, feed)

    async def close(self) -> None:
        """Ends every subscription, and with it whoever still follows."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, tenant_id: str) -> "_Feed":
        feed = self._feeds[tenant_id] = _Feed(self._channel.follow(tenant_id))
        self._tasks.add(feed.task)
        feed.task.add_done_callback(partial(self._ended, tenant_id, feed))
        return feed

    def _end_later_if_unused(self, tenant_id: str, feed: "_Feed") -> None:
        def end_if_unused() -> None:
            if not feed.followers:
                # Forgotten first, for a follower that comes now must not join what is being cancelled.
                self._forget(tenant_id, feed)
                feed.task.cancel()

        if not feed.followers:
            asyncio.get_running_loop().call_later(self._linger.total_seconds(), end_if_unused)

    def _ended(self, tenant_id: str, feed: "_Feed", task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._forget(tenant_id, feed)
        error = None if task.cancelled() else task.exception()
        if error and not isinstance(error, TransientError):
            log.error("subscription_failed", tenant_id=tenant_id, exc_info=error)
        if not isinstance(error, TransientError):
            error = TransientError("the live status ends here: come back")
        for follower in feed.followers:
            follower.fail(error)

    def _forget(self, tenant_id: str, feed: "_Feed") -> None:
        if self._feeds.get(tenant_id) is feed:
            del self._feeds[tenant_id]


class _Feed:
    """What one subscription has yielded, and who shares it."""

    def __init__(self, statuses: AsyncGenerator[RunStatus, None]) -> None:
        self.followers: set[_Follower] = set()
        self.task = asyncio.create_task(self._distribute(statuses))
        self._newest: dict[str, RunStatus] = {}

    def join(self) -> "_Follower":
        follower = _Follower(dict(self._newest))
        self.followers.add(follower)
        return follower

    async def _distribute(self, statuses: AsyncGenerator[RunStatus, None]) -> None:
        async with aclosing(statuses):
            async for status in statuses:
                self._newest[status.integration_id] = status
                for follower in self.followers:
                    follower.offer(status)


class _Follower:
    """What one reader has yet to take: at most one status of each integration."""

    def __init__(self, waiting: dict[str, RunStatus]) -> None:
        self._waiting = waiting
        self._changed = asyncio.Event()
        self._error: TransientError | None = None

    def offer(self, status: RunStatus) -> None:
        self._waiting[status.integration_id] = status
        self._changed.set()

    def fail(self, error: TransientError) -> None:
        self._error = error
        self._changed.set()

    async def next_status(self, until_seconds: float) -> RunStatus | None:
        """Returns the one that waits longest, and None from the loop's time `until_seconds` on.

        Raises `TransientError` when the subscription has failed and nothing waits any more.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(until_seconds):
                while not self._waiting and self._error is None:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return None
        if loop.time() >= until_seconds:
            return None
        if self._waiting:
            return self._waiting.pop(next(iter(self._waiting)))
        raise TransientError(str(self._error)) from self._error
