"""Processes start when what they need is ready, and stop before it."""

import sys
from pathlib import Path

import pytest
from processes import a_process

from shared.errors import PermanentError
from standalone.child_process import ChildProcess
from standalone.startup_order import start_in_order, stop_in_order

pytestmark = pytest.mark.server

RECORDS_ITS_END = """
import signal, sys, time
def end(*_):
    open(sys.argv[1], "a").write(sys.argv[2] + " ")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
time.sleep(600)
"""


def a_recording_process(place: Path, name: str, *after: str) -> ChildProcess:
    process = a_process(place, name=name)
    process.command = [sys.executable, "-c", RECORDS_ITS_END, str(place / "ends"), name]
    process.after = after
    process.stop_timeout_seconds = 300  # long: a process that is killed instead records nothing
    return process


def chain(place: Path) -> dict[str, ChildProcess]:
    rows = [("console", "billing"), ("billing", "kafka", "unknown"), ("kafka",)]
    return {name: a_recording_process(place, name, *after) for name, *after in rows}


async def test_a_process_waits_for_what_it_needs(tmp_path: Path) -> None:
    processes, output = chain(tmp_path), list[str]()

    await start_in_order(processes, output.append)

    assert [line.split()[0] for line in output] == ["kafka", "billing", "console"]
    assert all(" ready in " in line for line in output)
    await stop_in_order(processes)


async def test_a_process_stops_before_what_it_needs(tmp_path: Path) -> None:
    processes = chain(tmp_path)
    await start_in_order(processes, lambda _: None)

    await stop_in_order(processes)

    assert (tmp_path / "ends").read_text().split() == ["console", "billing", "kafka"]
    assert not any(process.running for process in processes.values())


async def test_nothing_that_needs_a_failed_process_is_started(tmp_path: Path) -> None:
    processes = chain(tmp_path)
    processes["billing"].command = [sys.executable, "-c", "exit(1)"]

    with pytest.raises(PermanentError, match="billing ended by itself with code 1"):
        await start_in_order(processes, lambda _: None)

    assert not processes["console"].log_path.exists()
    await stop_in_order(processes)
