import asyncio
import re
import subprocess
import sys
import time
from datetime import timedelta

from structlog.testing import capture_logs

from shared import limits
from shared.runtime.event_loop_monitor import BlockPolicy, EventLoopMonitor

SHORT = BlockPolicy(interval=timedelta(milliseconds=20), blocked_after=timedelta(milliseconds=100))


def stand_still(until_reported: EventLoopMonitor) -> None:
    """Holds the loop, but not the interpreter's lock, until the monitor has seen it."""
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


PROGRAM = """
import asyncio, re
from datetime import timedelta
from shared.runtime.event_loop_monitor import BlockPolicy, EventLoopMonitor
policy = BlockPolicy(timedelta(milliseconds=20), timedelta(milliseconds=100), timedelta(milliseconds=700))
async def main():
    async with EventLoopMonitor(policy).running():
        await asyncio.sleep(0.1)
        re.match("(a+)+$", "a" * 60 + "b")
asyncio.run(main())
"""


def test_a_process_that_a_regular_expression_holds_for_ever_ends_so_that_it_is_started_again() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, timeout=60, check=False)  # noqa: S603

    assert ended.returncode == 1
    assert b"Timeout" in ended.stderr
    assert b"in match" in ended.stderr


async def test_a_call_that_held_the_interpreters_lock_is_reported_when_it_ends() -> None:
    monitor = EventLoopMonitor(SHORT)

    async with monitor.running():
        await asyncio.sleep(0.05)
        re.match("(a+)+$", "a" * 24 + "b")  # some seconds in one call
        async with asyncio.timeout(60):
            while monitor.degradation() is None:
                await asyncio.sleep(0.01)
