import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
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


LOST_AFTER_SECONDS = 0.7
PROGRAM = f"""
import asyncio, re, sys, time
from datetime import timedelta
from shared.runtime.event_loop_monitor import BlockPolicy, EventLoopMonitor
policy = BlockPolicy(
    timedelta(milliseconds=20), timedelta(milliseconds=100), timedelta(seconds={LOST_AFTER_SECONDS})
)
async def main():
    async with EventLoopMonitor(policy).running():
        await asyncio.sleep(0.1)
        print("runs", flush=True)
        {{}}
        print("goes on", flush=True)
asyncio.run(main())
"""
A_MATCH_FOR_EVER = 're.match("(a+)+$", "a" * 60 + "b")'
A_BLOCKING_WAIT = "time.sleep(600)"
A_WAIT_FOR_A_LINE = "await asyncio.to_thread(sys.stdin.readline); await asyncio.sleep(0.3)"


def ended(statement: str) -> subprocess.CompletedProcess[bytes]:
    """Runs the program, whose loop gets stuck in the statement, until it ends by itself."""
    command = [sys.executable, "-c", PROGRAM.format(statement)]
    return subprocess.run(command, capture_output=True, timeout=60, check=False)  # noqa: S603


def test_a_process_that_a_regular_expression_holds_for_ever_ends_so_that_it_is_started_again() -> None:
    process = ended(A_MATCH_FOR_EVER)

    # An exit code, and not a death by the signal (-27): that the first process of a container would survive.
    assert process.returncode == signal.SIGPROF
    assert b"goes on" not in process.stdout
    assert b"in match" in process.stderr
    assert b"in main" in process.stderr


def test_a_process_that_waits_in_its_loop_for_ever_ends_so_that_it_is_started_again() -> None:
    process = ended(A_BLOCKING_WAIT)

    assert process.returncode == 1
    assert b"goes on" not in process.stdout
    assert b"in main" in process.stderr
    assert b"in _watch" in process.stderr


def test_a_process_that_was_stopped_as_a_whole_for_longer_goes_on() -> None:
    command = [sys.executable, "-c", PROGRAM.format(A_WAIT_FOR_A_LINE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == b"runs\n"
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        with pytest.raises(subprocess.TimeoutExpired):  # as long as the loop may stand still, and once more
            process.wait(2 * LOST_AFTER_SECONDS)
        process.send_signal(signal.SIGCONT)
        process.stdin.write(b"\n")
        process.stdin.flush()

        assert process.stdout.readline() == b"goes on\n"
        assert process.wait(60) == 0


async def test_a_call_that_held_the_interpreters_lock_is_reported_when_it_ends() -> None:
    monitor = EventLoopMonitor(SHORT)

    async with monitor.running():
        await asyncio.sleep(0.05)
        re.match("(a+)+$", "a" * 24 + "b")  # some seconds in one call
        async with asyncio.timeout(60):
            while monitor.degradation() is None:
                await asyncio.sleep(0.01)
