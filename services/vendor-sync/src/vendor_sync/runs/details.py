"""The details step: works off the queue, a few calls at a time, and stores while the next are asked for."""

# Invariant: an entry is done only after everything that its detail said is published and clean. Killed at any
# line, the entry is still due and is read again; publishing the same again says nothing new.
#
#   callers (4)  ask for one detail after another, each under a stamp that was taken before
#   one storer   takes what was answered, publishes services, then subscriptions, then marks the entries done
#
# The services of a batch are published before the subscriptions that name them, so a reader never meets a
# subscription of a service that it cannot know. Three details in a row out of reach, each after all its
# attempts, mean that the marketplace is down: the run ends partial with what was read.

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from shared.contracts.vendor_sync import ServiceObserved, SubscriptionObserved
from shared.errors import CredentialsRejected, LongPause, NeighbourAway, PermanentError, TransientError
from shared.runtime import crash_points
from shared.sync_engine.models import ProviderUnreachable
from shared.sync_engine.stamp import Stamp
from vendor_sync.marketplace import SubscriptionDetail
from vendor_sync.runs.detail_queue import DetailEntry, DetailState
from vendor_sync.runs.observations import (
    service_observed,
    subscription_observed,
    unread_subscription_observed,
)
from vendor_sync.runs.offers import SoldLine, SoldService, lines_of, rename_service
from vendor_sync.runs.run_context import VendorRunContext

CALLS_AT_ONCE = 4
"""Calls in flight (Ingram Micro §5); concurrency itself is not what the vendor limits."""
BATCH_SIZE = 200
"""Entries under one revision, and answers that may wait to be stored."""
GATHER_TIME = timedelta(milliseconds=250)
"""How long answers gather before they are stored: many cost the store little more than one."""
MAX_UNREACHABLE = 3
"""When this many details in a row are out of reach, each after all its attempts, the marketplace is down."""

_STEP_ENDING_ERRORS = (CredentialsRejected, NeighbourAway, LongPause)
"""Errors that say nothing of the detail that was asked for: its entry stays due, and the step ends."""

DetailOutcome = SubscriptionDetail | PermanentError | TransientError | None
"""What came of one call: the detail, none because the subscription is gone, or why it could not be read."""


async def read_details(vendor: VendorRunContext) -> None:
    """Reads all that is due.

    Raises `ProviderUnreachable`, `LongPause` or `CredentialsRejected` after what was read is stored.
    """
    progress = await vendor.queue.progress(vendor.run)
    phase = vendor.context.progress.phase
    vendor.context.progress.begin(phase, done=progress.total - progress.due, total=progress.total)
    if not progress.due:
        return
    names = await vendor.published_service_names()
    async with aclosing(_stamped(vendor)) as waiting:
        await _DetailReader(vendor, names, waiting).read()


async def _stamped(vendor: VendorRunContext) -> AsyncGenerator[tuple[DetailEntry, Stamp], None]:
    """Yields all that is due, in order, each with a stamp that was taken before it is read."""
    async for page in vendor.queue.due(vendor.run):
        for start in range(0, len(page), BATCH_SIZE):
            stamp = await vendor.context.stamp()
            for entry in page[start : start + BATCH_SIZE]:
                yield entry, stamp


@dataclass(frozen=True, slots=True)
class _Answer:
    """One entry with what came of reading its detail."""

    entry: DetailEntry
    stamp: Stamp
    outcome: DetailOutcome

    @property
    def lines(self) -> tuple[SoldLine, ...]:
        return lines_of(self.outcome) if isinstance(self.outcome, SubscriptionDetail) else ()

    def entry_afterwards(self) -> DetailEntry:
        """Returns the entry as it stands after this answer: done, gone, or failed with the reason."""
        if isinstance(self.outcome, Exception):
            return replace(self.entry, state=DetailState.FAILED, why=str(self.outcome))
        return replace(
            self.entry,
            state=DetailState.DONE,
            gone=self.outcome is None,
            status=self.outcome.row.status if self.outcome else self.entry.status,
            read_at=self.stamp.observed_at,
            read_fingerprint=self.entry.row.fingerprint,
            sold=tuple((line.service.key, line.service.name) for line in self.lines),
            why="",
        )


@dataclass(slots=True)
class _DetailReader:
    """Reads the details that are waiting, for one step of one run."""

    vendor: VendorRunContext
    names: dict[str, str]
    """The name of each service, by its key: the first that was read, until a whole run reads it no more."""
    waiting: AsyncGenerator[tuple[DetailEntry, Stamp], None]
    next_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held to take the next entry of what is waiting."""
    unreachable_in_a_row: int = 0
    """How many details in a row were out of reach."""
    ended_by: Exception | None = None
    """Why no more details are asked for; raised once what was read is stored."""
    answers: "asyncio.Queue[_Answer | None]" = field(default_factory=lambda: asyncio.Queue(BATCH_SIZE))
    published_services: set[SoldService] = field(default_factory=set)
    """Services that this step has published, or found published."""

    async def read(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._store())
            for _ in range(CALLS_AT_ONCE):
                group.create_task(self._ask())
        if self.ended_by is not None:
            raise self.ended_by

    async def _ask(self) -> None:
        """Asks for one detail after another; None tells the storing side that this caller has ended."""
        while self.ended_by is None:
            async with self.next_lock:  # an async generator has one reader at a time
                due = await anext(self.waiting, None)
            if due is None:
                break
            entry, stamp = due
            try:
                outcome: DetailOutcome = await self.vendor.marketplace.subscription(entry.subscription_id)
            except _STEP_ENDING_ERRORS as error:
                self.ended_by = error
                break
            except (PermanentError, TransientError) as error:  # after all attempts (shared.http_client)
                outcome = error
            self._count_unreachable(outcome)
            await self.answers.put(_Answer(entry, stamp, outcome))
        await self.answers.put(None)

    def _count_unreachable(self, outcome: DetailOutcome) -> None:
        is_out_of_reach = isinstance(outcome, TransientError)
        self.unreachable_in_a_row = self.unreachable_in_a_row + 1 if is_out_of_reach else 0
        if self.unreachable_in_a_row >= MAX_UNREACHABLE:
            self.ended_by = ProviderUnreachable(f"the marketplace stays out of reach: {outcome}")

    async def _store(self) -> None:
        """Stores what was answered, until every caller has ended; while that lasts, more answers gather."""
        callers = CALLS_AT_ONCE
        while callers:
            gathered = await self._gather()
            answers = [answer for answer in gathered if answer is not None]
            callers -= len(gathered) - len(answers)
            await self._store_answers(answers)

    async def _gather(self) -> list[_Answer | None]:
        """Returns what came in within `GATHER_TIME`, or up to the end of a caller."""
        gathered = [await self.answers.get()]
        with suppress(TimeoutError):
            async with asyncio.timeout(GATHER_TIME.total_seconds()):
                while gathered[-1] is not None and len(gathered) < BATCH_SIZE:
                    gathered.append(await self.answers.get())
        return gathered

    async def _store_answers(self, answers: Sequence[_Answer]) -> None:
        # Services, then subscriptions, then entries: see the invariant above.
        now = self.vendor.context.clock()
        answers = [replace(answer, stamp=replace(answer.stamp, observed_at=now)) for answer in answers]
        lines = {answer.entry.subscription_id: self._with_known_names(answer.lines) for answer in answers}
        await self._publish_services(answers, lines)
        await self.vendor.context.publisher.publish(await self._subscription_observations(answers, lines))
        crash_points.reached("detail-observed")
        self.vendor.context.assert_lease()
        await self.vendor.queue.replace(self.vendor.run, [answer.entry_afterwards() for answer in answers])
        self.vendor.context.progress.advance(len(answers))

    def _with_known_names(self, lines: tuple[SoldLine, ...]) -> tuple[SoldLine, ...]:
        """Returns the lines with each service under one name: subscriptions may name one differently."""
        named = tuple(replace(line, service=rename_service(line.service, self.names)) for line in lines)
        self.names |= {line.service.key: line.service.name for line in named}
        return named

    async def _publish_services(
        self, answers: Sequence[_Answer], lines: Mapping[str, tuple[SoldLine, ...]]
    ) -> None:
        """Publishes each service once, in however many lines and subscriptions of the batch it is."""
        stamps = {
            line.service: answer.stamp
            for answer in answers
            for line in lines[answer.entry.subscription_id]
            if line.service not in self.published_services
        }
        observations: list[ServiceObserved] = [
            service_observed(service, stamp) for service, stamp in stamps.items()
        ]
        await self.vendor.context.publisher.publish(observations)
        self.published_services |= stamps.keys()

    async def _subscription_observations(
        self, answers: Sequence[_Answer], lines: Mapping[str, tuple[SoldLine, ...]]
    ) -> list[SubscriptionObserved]:
        """Returns what was read; for what is gone, its last observation as absent, billing's evidence."""
        gone = {
            unread_subscription_observed(answer.entry.row, answer.stamp): answer.stamp
            for answer in answers
            if answer.outcome is None
        }
        last_seen = await self.vendor.context.publisher.existing(SubscriptionObserved, gone)
        read = [
            subscription_observed(answer.outcome.row, lines[answer.entry.subscription_id], answer.stamp)
            for answer in answers
            if isinstance(answer.outcome, SubscriptionDetail)
        ]
        return read + [stamp.absent(last_seen.get(unread.key, unread)) for unread, stamp in gone.items()]
