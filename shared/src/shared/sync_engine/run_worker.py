"""Carries a run from claim to end: step by step, under its lease, stopping when it must.

A run is a row of named steps. Each may be done again from its start; the name of the next one is stored, so
that a worker that takes over goes on from there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog

from shared.contracts.base import Outcome
from shared.errors import CredentialsRejected, PermanentError, TransientError
from shared.mongo import Mongo
from shared.runtime.attempt import attempt
from shared.runtime.leases import LeaseLost
from shared.sync_engine.change_publisher import ChangePublisher, MessagePublisher
from shared.sync_engine.models import Run, RunEnding, RunStopped, RunSuspended, RunTally
from shared.sync_engine.progress import RunProgress, StatusReporter
from shared.sync_engine.run_repository import ClaimedRun, RunRepository

log = structlog.get_logger()

WATCH = 5.0
"""Seconds between renewals of the lease, and looks at whether the run is still wanted."""
_FINISHING = "finishing"


@dataclass(slots=True)
class RunContext:
    """What a step needs: the run that it belongs to, and how to publish and to tell of it."""

    claimed: ClaimedRun
    observer: ChangePublisher
    progress: RunProgress

    @property
    def run(self) -> Run:
        return self.claimed.run


@dataclass(frozen=True, slots=True)
class RunStep:
    """One stretch of a run; what it returns is kept in the run's notes."""

    name: str
    do: Callable[[RunContext], Awaitable[Mapping[str, str] | None]]


class RunDefinition(Protocol):
    """What a provider's run consists of."""

    async def steps(self, walk: RunContext) -> Sequence[RunStep]:
        """The steps in their order; each opens and closes what it needs."""

    async def tally(self, walk: RunContext) -> RunTally:
        """What was read so far, from what is stored: the run may have had several workers."""


OpenPublisher = Callable[[str], AbstractAsyncContextManager[MessagePublisher]]
"""Opens publishing under a name; nobody who opened the same name before publishes any more."""


@dataclass(frozen=True, slots=True)
class WorkerTools:
    """What every run is carried with."""

    mongo: Mongo
    publishing: OpenPublisher
    live: StatusReporter
    watch: float = WATCH


class RunWorker:
    """Carries one run at a time; a service has as many workers as it may have runs going on.

    How a run ends: every step done → complete, or partial when its tally says why it cannot be;
    CredentialsRejected → failed, and the integration is said to be broken; any other PermanentError →
    partial; Stopped → failed. Trouble of our own (TransientError, a lost lease, shutting down) ends nothing:
    the run is put down and taken up again.
    """

    def __init__(
        self,
        runs: RunRepository,
        work: RunDefinition,
        tools: WorkerTools,
        *,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """`beat` tells the job's health that a run which takes hours still gets on."""
        self._runs, self._work, self._tools, self._beat = runs, work, tools, beat
        self._stopping = asyncio.Event()

    async def step(self) -> bool:
        """Carry the next run that waits, if any; fits a Job."""
        claimed = None if self._stopping.is_set() else await self._runs.claim()
        if claimed is None:
            return False
        try:
            async with self._tools.publishing(claimed.lease.name) as publisher:
                await self._carry(self._walk(claimed, publisher))
        finally:
            # Or the next worker would wait until the lease runs out.
            await attempt(claimed.lease.release())
        return True

    def stop(self) -> None:
        """Put down what is going on, so that another worker can go on with it at once."""
        self._stopping.set()

    def _walk(self, claimed: ClaimedRun, publisher: MessagePublisher) -> RunContext:
        run = claimed.run
        observer = ChangePublisher(
            self._tools.mongo,
            publisher,
            tenant_id=run.tenant_id,
            integration_id=run.integration_id,
            lease=claimed.lease,
        )
        return RunContext(claimed, observer, RunProgress(self._tools.live, run))

    async def _carry(self, walk: RunContext) -> None:
        run = walk.run
        log.info("run_taken_up", run_id=run.run_id, kind=run.kind, phase=run.phase, claims=run.claims)
        result = await self._kept(walk, self._walked(walk), wanted=True)
        # Ours, not the provider's (that would be GaveUp): a later try can do what this one could not.
        if isinstance(result, TransientError):
            _put_down(walk, result)
            return
        # No longer asked whether it is wanted: also a run that was stopped must say how it ended.
        result = await self._kept(walk, self._finished(walk, result), wanted=False)
        if isinstance(result, Exception):
            _put_down(walk, result)

    async def _kept(
        self, walk: RunContext, work: Coroutine[Any, Any, None], *, wanted: bool
    ) -> Exception | None:
        """Do the work while the lease is renewed and the status told; what it, or keeping it, raised."""
        result: Exception | None = None
        try:
            async with asyncio.TaskGroup() as group:
                around = [
                    group.create_task(self._watch(walk, wanted=wanted)),
                    group.create_task(walk.progress.tell()),
                ]
                result = _plain(await attempt(work))
                for task in around:
                    task.cancel()
        except* (PermanentError, TransientError) as stopped:
            result = _first(stopped)
        return result

    async def _watch(self, walk: RunContext, *, wanted: bool) -> None:
        """Keep the lease; raise as soon as the run must not go on."""
        # Four looks a term: one that the store does not answer must not cost the lease.
        look = min(self._tools.watch, walk.claimed.lease.ttl.total_seconds() / 4)
        while not await self._told_to_stop(look):
            self._beat()
            renewed = await attempt(walk.claimed.lease.renew())
            if isinstance(renewed, LeaseLost):
                raise renewed
            walk.claimed.lease.check()  # a store that is away for a moment is no reason to stop
            if wanted and isinstance(stopped := await attempt(self._runs.check_wanted(walk.run)), RunStopped):
                raise stopped
        raise RunSuspended("this process is stopping")

    async def _told_to_stop(self, within: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                return await self._stopping.wait()
        return False

    async def _walked(self, walk: RunContext) -> None:
        await self._runs.check_wanted(walk.run)
        steps = await self._work.steps(walk)
        names = [step.name for step in steps] + [_FINISHING]
        for place, step in enumerate(steps):
            if place >= names.index(walk.run.phase or names[0]):
                walk.progress.begin(step.name)
                notes = await step.do(walk)
                walk.claimed = await self._runs.note(walk.claimed, names[place + 1], notes)

    async def _ending(self, walk: RunContext, result: Exception | None) -> RunEnding:
        tally = _short_of(walk.observer.refused, await self._work.tally(walk))
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
                log.error("run_broke", run_id=walk.run.run_id, exc_info=result)
                return RunEnding(Outcome.FAILED, "an internal error; see the log", tally)

    async def _finished(self, walk: RunContext, result: Exception | None) -> None:
        """Nothing may be left dirty when the published keys are counted."""
        walk.progress.begin(_FINISHING)
        again = await walk.observer.republish_dirty()
        ending = await self._ending(walk, result)
        await self._runs.finish(walk.claimed, ending)
        walk.progress.begin("reconciling", done=walk.progress.done, total=walk.progress.total)
        await walk.progress.close()
        log.info(
            "run_finished",
            run_id=walk.run.run_id,
            outcome=ending.outcome,
            reason=ending.reason,
            republished=again,
            **ending.tally.counts,
        )


def _short_of(refused: Mapping[str, str], tally: RunTally) -> RunTally:
    """What could not be published was read in vain."""
    if not refused:
        return tally
    example, why = next(iter(refused.items()))
    sentence = f"{len(refused)} observations could not be published, among them {example}: {why}"
    return replace(tally, shortfalls=(*tally.shortfalls, sentence))


def _put_down(walk: RunContext, cause: Exception) -> None:
    """Leave the run to whoever claims it next; trouble is raised, so that the job pauses before it tries."""
    log.info("run_put_down", run_id=walk.run.run_id, phase=walk.run.phase, reason=str(cause))
    if not isinstance(cause, RunSuspended):
        raise cause


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def _plain(error: Exception | None) -> Exception | None:
    """Steps may do several things at once; what went wrong first decides."""
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
