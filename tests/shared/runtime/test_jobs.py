import asyncio
from datetime import timedelta

from shared.errors import TransientError
from shared.runtime.health import Health
from shared.runtime.jobs import Job
from shared.runtime.lifespan import service_lifespan

SOON, LATER = timedelta(milliseconds=1), timedelta(hours=1)


class CountingStep:
    """A step that counts its rounds, and returns or raises the prepared outcome of each."""

    def __init__(self, *outcomes: bool | Exception) -> None:
        self.done = 0
        self._outcomes = list(outcomes)
        self.reached = asyncio.Event()

    async def step(self) -> bool:
        self.done += 1
        outcome = self._outcomes.pop(0) if self._outcomes else False
        if not self._outcomes:
            self.reached.set()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def test_a_step_that_has_more_is_run_again_at_once() -> None:
    work = CountingStep(True, True, False)

    async with service_lifespan(health=Health("x"), jobs=[Job("work", work.step, LATER)]):
        await asyncio.wait_for(work.reached.wait(), 60)

    assert work.done == 3


async def test_a_round_that_fails_does_not_end_the_job() -> None:
    work = CountingStep(TransientError("busy"), ValueError("a bug"), False)

    async with service_lifespan(health=Health("x"), jobs=[Job("work", work.step, SOON)]):
        await asyncio.wait_for(work.reached.wait(), 60)

    assert work.done >= 3


async def test_a_job_that_is_woken_does_not_wait_for_its_time() -> None:
    work = CountingStep(False, False)
    job = Job("work", work.step, LATER)

    async with service_lifespan(health=Health("x"), jobs=[job]):
        while not work.done:
            await asyncio.sleep(0)
        job.wake.set()
        await asyncio.wait_for(work.reached.wait(), 60)

    assert work.done == 2


async def test_a_stuck_step_makes_the_process_count_as_dead() -> None:
    health, stuck = Health("x"), asyncio.Event()
    job = Job("work", stuck.wait, LATER, step_limit=timedelta(hours=-1, seconds=-1))

    async with service_lifespan(health=health, jobs=[job]):
        await asyncio.sleep(0)
        assert health.stalled() == ["work"]
        stuck.set()


async def test_a_job_that_only_fails_makes_the_process_count_as_dead() -> None:
    health, work = Health("x"), CountingStep(*[ValueError("a bug")] * 2)
    job = Job("work", work.step, SOON, step_limit=timedelta(milliseconds=1))

    async with service_lifespan(health=health, jobs=[job]):
        await asyncio.wait_for(work.reached.wait(), 60)
        await asyncio.sleep(0.01)
        assert health.stalled() == ["work"]


async def test_the_step_going_on_is_finished_before_the_end() -> None:
    begun, events = asyncio.Event(), []

    async def step() -> bool:
        begun.set()
        await asyncio.sleep(0.05)
        events.append("finished")
        return False

    async with service_lifespan(health=Health("x"), jobs=[Job("work", step, LATER)]):
        await begun.wait()

    assert events == ["finished"]


async def test_what_has_to_be_closed_is_closed_even_after_one_refused() -> None:
    closed = []

    async def refuses() -> None:
        raise OSError("no")

    async def closes() -> None:
        closed.append("store")

    async with service_lifespan(health=Health("x"), on_shutdown=[refuses, closes]):
        pass

    assert closed == ["store"]
