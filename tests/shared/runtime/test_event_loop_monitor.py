import asyncio
import subprocess
import sys
import time
from datetime import timedelta

from structlog.testing import capture_logs

from shared import limits
from shared.runtime.event_loop_monitor import EXIT_CODE, BlockPolicy, EventLoopMonitor

SHORT = BlockPolicy(interval=timedelta(milliseconds=20), blocked_after=timedelta(milliseconds=100))


def stand_still(until_reported: EventLoopMonitor) -> None:
    """Holds the loop, as a regular expression over a hostile text does, until the monitor has seen it."""
    until = time.monotonic() + 60
    while until_reported.degradation() is None and time.monotonic() < until:
        pass


async def test_a_loop_that_stands_still_is_reported_with_the_line_that_holds_it() -> None:
    monitor, before = EventLoopMonitor(SHORT), limits.hits().get("event-loop-blocked-seconds", 0)

    with capture_logs() as logs:
        async with monitor.running():
            assert monitor.degradation() is None
            stand_still(monitor)
            sentence = monitor.degradation()

    assert sentence is not None
    assert "stood still" in sentence
    (entry,) = [entry for entry in logs if entry["event"] == "event_loop_blocked"]
    assert any(line.endswith("stand_still") for line in entry["frames"])
    assert limits.hits()["event-loop-blocked-seconds"] == before + 1


async def test_a_loop_that_goes_on_is_not_reported() -> None:
    monitor = EventLoopMonitor(SHORT)

    async with monitor.running():
        for _ in range(50):
            await asyncio.sleep(0.01)
        assert monitor.degradation() is None


async def test_a_service_that_was_blocked_long_ago_is_not_degraded_any_more() -> None:
    policy = BlockPolicy(SHORT.interval, SHORT.blocked_after, degraded_for=timedelta(milliseconds=200))
    monitor = EventLoopMonitor(policy)

    async with monitor.running():
        stand_still(monitor)
        async with asyncio.timeout(60):
            while monitor.degradation() is not None:
                await asyncio.sleep(0.05)


def test_a_process_whose_loop_never_comes_back_ends_so_that_it_is_started_again() -> None:
    program = """
import asyncio
from datetime import timedelta
from shared.runtime.event_loop_monitor import BlockPolicy, EventLoopMonitor
policy = BlockPolicy(timedelta(milliseconds=20), timedelta(milliseconds=100), timedelta(milliseconds=400))
async def main():
    async with EventLoopMonitor(policy).running():
        while True:
            pass
asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False)  # noqa: S603

    assert ended.returncode == EXIT_CODE
    assert b"event_loop_lost" in ended.stdout + ended.stderr
