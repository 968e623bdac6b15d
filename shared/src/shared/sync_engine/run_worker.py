"""Carries a run from claim to end: step by step, under its lease, stopping when it must."""

# Invariant: a run is carried by one worker at a time, and whatever kills that worker, the run goes on from
# the step that was going on. The name of the next step is stored after each step, and each step may be done
# again:
#
#   run r1   accounts ✓ stored   subscriptions ✓ stored   details … killed
#   20 s later another worker claims r1, finds phase "details", and does details again from the stored queue
#
# How a run ends, by what its steps raise:
#   nothing                                  complete, or partial when its tally says what fell short
#   CredentialsRejected                      failed, and credentials-rejected is sent
#   any other PermanentError                 partial (the provider is away, or answers in an unknown shape)
#   RunStopped, ConnectedAnew                failed (a person disconnected, disabled or reconnected it)
#   LongPause                                nothing ends: the run is put down, and claimed when it is due
#   TransientError, a lost lease, a shutdown nothing ends: the run is suspended and claimed again

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from operator import attrgetter
from typing import Any

import structlog

from shared.contracts.base import Outcome
from shared.errors import ConnectedAnew, CredentialsRejected, LongPause, PermanentError, TransientError
from shared.mongo import Mongo
from shared.runtime.attempt import attempt
from shared.runtime.clock import Clock, utc_now
from shared.runtime.leases import LeaseLost
from shared.sync_engine.change_publisher import ChangePublisher, MessagePublisher
from shared.sync_engine.models import RunStopped, RunSuspended
from shared.sync_engine.progress import RunProgress, StatusReporter, waiting_status
from shared.sync_engine.reports import RunEnding, RunTally
from shared.sync_engine.run_context import FINISHING, RunContext, RunDefinition
from shared.sync_engine.run_repository import ClaimedRun, RunRepository
from shared.sync_engine.tenant_shares import TenantShares

log = structlog.get_logger()

WATCH_INTERVAL = timedelta(seconds=5)
"""Between two renewals of the lease, and two looks at whether the run is still wanted."""

OpenPublisher = Callable[[str], AbstractAsyncContextManager[MessagePublisher]]
"""Opens publishing under a name; a process that opened the same name before publishes nothing any more."""


@dataclass(frozen=True, slots=True)
class WorkerTools:
    """What every run is carried with."""

    mongo: Mongo
    open_publisher: OpenPublisher
    status_channel: StatusReporter
    clock: Clock = utc_now
    watch_interval: timedelta = WATCH_INTERVAL


class RunWorker:
    """Carries one run at a time; a service has as many workers as it may have runs going on."""

    def __init__(
        self,
        runs: RunRepository,
        definition: RunDefinition,
        tools: WorkerTools,
        *,
        shares: TenantShares,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """`shares` are those of all workers of the process; `beat` says that a long run still gets on."""
        self._runs, self._definition, self._tools, self._beat = runs, definition, tools, beat
        self._shares, self._stopping = shares, asyncio.Event()

    async def step(self) -> bool:
        """Carries the next run that waits; tells whether there was one. Fits a `Job`."""
        async with self._shares.at_work(self._claim, attrgetter("run.tenant_id")) as claimed:
            if claimed is None:
                return False
            try:
                async with self._tools.open_publisher(claimed.lease.name) as publisher:
                    await self._carry(self._context(claimed, publisher))
            finally:
                # Or the next worker would wait until the lease runs out.
                await attempt(claimed.lease.release())
        return True

    def stop(self) -> None:
        """Suspends the run that is going on, so that another worker can go on with it at once."""
        self._stopping.set()

    async def _claim(self, full: Collection[str]) -> ClaimedRun | None:
        return None if self._stopping.is_set() else await self._runs.claim(but_of=full)

    def _context(self, claimed: ClaimedRun, publisher: MessagePublisher) -> RunContext:
        run = claimed.run
        changes = ChangePublisher(
            self._tools.mongo,
            publisher,
            tenant_id=run.tenant_id,
            integration_id=run.integration_id,
            lease=claimed.lease,
            always=run.republish,
        )
        progress = RunProgress(self._tools.status_channel, run)
        return RunContext(claimed, changes, progress, self._tools.clock)

    async def _carry(self, context: RunContext) -> None:
        run = context.run
        log.info("run_taken_up", run_id=run.run_id, kind=run.kind, phase=run.phase, claims=run.claims)
        result = await self._run_under_lease(context, self._do_steps(context), check_wanted=True)
        if isinstance(result, ConnectedAnew):  # auth knows it before the news is here
            result = RunStopped(str(result))
        if isinstance(result, LongPause) and not (result := await attempt(self._put_down(context, result))):
            return
        # Ours, not the provider's (that would be ProviderUnreachable): a later try can do it.
        if isinstance(result, TransientError):
            _suspend(context, result)
            return
        # No longer asked whether it is wanted: also a run that was stopped must say how it ended.
        result = await self._run_under_lease(context, self._finish(context, result), check_wanted=False)
        if isinstance(result, Exception):
            _suspend(context, result)

    async def _put_down(self, context: RunContext, pause: LongPause) -> None:
        """Leaves the run to whoever claims it when it is due; raises what `RunRepository.put_down` raises."""
        done, total = context.progress.done, context.progress.total
        run = await self._runs.put_down(context.claimed, pause, done=done, total=total)
        log.info("run_paused", run_id=run.run_id, phase=run.phase, until=run.not_before, reason=str(pause))
        await attempt(self._tools.status_channel.report(waiting_status(run)))

    async def _run_under_lease(
        self, context: RunContext, work: Coroutine[Any, Any, None], *, check_wanted: bool
    ) -> Exception | None:
        """Does the work while the lease is renewed and progress reported; returns what either of them raised.

        An exception comes back as a value: a worker loop must survive anything, and the caller decides by it.
        """
        result: Exception | None = None
        try:
            async with asyncio.TaskGroup() as group:
                companions = [
                    group.create_task(self._watch(context, check_wanted=check_wanted)),
                    group.create_task(context.progress.report_until_cancelled()),
                ]
                outcome = await attempt(work)
                # Steps may do several things at once; what went wrong first decides.
                result = _first(outcome) if isinstance(outcome, BaseExceptionGroup) else outcome
                for task in companions:
                    task.cancel()
        except* (PermanentError, TransientError) as stopped:
            result = _first(stopped)
        return result

    async def _watch(self, context: RunContext, *, check_wanted: bool) -> None:
        """Renews the lease; raises as soon as the run must not go on."""
        lease = context.claimed.lease
        # Four renewals in a term: one that the store does not answer must not cost the lease.
        interval = min(self._tools.watch_interval, lease.ttl / 4)
        while not await self._wait_for_stop(interval):
            self._beat()
            renewed = await attempt(lease.renew())
            if isinstance(renewed, LeaseLost):
                raise renewed
            lease.check()  # a store that is away for a moment is no reason to stop
            if check_wanted:
                wanted = await attempt(self._runs.check_wanted(context.run))
                if isinstance(wanted, RunStopped):
                    raise wanted
        raise RunSuspended("this process is stopping")

    async def _wait_for_stop(self, interval: timedelta) -> bool:
        """Waits one interval; returns True, and at once, when the process is stopping."""
        with suppress(TimeoutError):
            async with asyncio.timeout(interval.total_seconds()):
                return await self._stopping.wait()
        return False

    async def _do_steps(self, context: RunContext) -> None:
        await self._runs.check_wanted(context.run)
        steps = self._definition.steps()
        names = [step.name for step in steps] + [FINISHING]
        first = names.index(context.run.phase or names[0])
        for place, step in enumerate(steps[first:], start=first):
            context.progress.begin(step.name)
            report = await step.do(context)
            context.claimed = await self._runs.advance(
                context.claimed, names[place + 1], {step.name: report} if report else {}
            )

    async def _finish(self, context: RunContext, result: Exception | None) -> None:
        context.progress.begin(FINISHING)
        # Before the end is told: a manifest may name what is dirty, and may not have arrived.
        republished = await context.publisher.republish_dirty()
        ending = await self._ending(context, result)
        await self._runs.finish(context.claimed, ending)
        context.progress.begin("reconciling", done=context.progress.done, total=context.progress.total)
        await context.progress.report_last()
        log.info(
            "run_finished",
            run_id=context.run.run_id,
            outcome=ending.outcome,
            reason=ending.reason,
            republished=republished,
            **ending.tally.counts,
        )

    async def _ending(self, context: RunContext, result: Exception | None) -> RunEnding:
        tally = _with_refusals(await self._definition.tally(context.run), context.publisher.refused)
        match result:
            case None if not tally.shortfalls:
                return RunEnding(Outcome.COMPLETE, tally=tally)
            case None:
                return RunEnding(Outcome.PARTIAL, "; ".join(tally.shortfalls), tally)
            case CredentialsRejected():
                return RunEnding(Outcome.FAILED, str(result), tally, refused=result.message)
            case RunStopped():
                return RunEnding(Outcome.FAILED, str(result), tally)
            case PermanentError():
                return RunEnding(Outcome.PARTIAL, str(result), tally)
            case _:
                log.error("run_broke", run_id=context.run.run_id, exc_info=result)
                return RunEnding(Outcome.FAILED, "an internal error; see the log", tally)


def _with_refusals(tally: RunTally, refused: Mapping[str, str]) -> RunTally:
    """Adds to the shortfalls what Kafka will never take: it was read in vain."""
    if not refused:
        return tally
    example, why = next(iter(refused.items()))
    sentence = f"{len(refused)} observations could not be published, among them {example}: {why}"
    return replace(tally, shortfalls=(*tally.shortfalls, sentence))


def _suspend(context: RunContext, cause: Exception) -> None:
    """Leaves the run to whoever claims it next; trouble is raised, so that the job pauses."""
    log.info("run_put_down", run_id=context.run.run_id, phase=context.run.phase, reason=str(cause))
    if not isinstance(cause, RunSuspended):
        raise cause


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
