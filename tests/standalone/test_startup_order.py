"""Parts start when what they need is ready, and stop before it."""

import sys
from pathlib import Path

import pytest
from processes import a_part

from shared.errors import PermanentError
from standalone.child_process import ChildProcess
from standalone.startup_order import start_in_order, stop_in_order

pytestmark = pytest.mark.server

TELLS_WHEN_IT_ENDS = """
import signal, sys, time
def end(*_):
    open(sys.argv[1], "a").write(sys.argv[2] + " ")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
time.sleep(600)
"""


def a_teller(place: Path, name: str, *after: str) -> ChildProcess:
    part = a_part(place, name=name)
    part.command = [sys.executable, "-c", TELLS_WHEN_IT_ENDS, str(place / "ends"), name]
    part.after = after
    part.stop_timeout_seconds = 300  # in its own time: whoever is killed instead tells nothing
    return part


def chain(place: Path) -> dict[str, ChildProcess]:
    rows = [("console", "billing"), ("billing", "kafka", "unknown"), ("kafka",)]
    return {name: a_teller(place, name, *after) for name, *after in rows}


async def test_a_part_waits_for_what_it_needs(tmp_path: Path) -> None:
    parts, said = chain(tmp_path), list[str]()

    await start_in_order(parts, said.append)

    assert [line.split()[0] for line in said] == ["kafka", "billing", "console"]
    assert all(" ready in " in line for line in said)
    await stop_in_order(parts)


async def test_a_part_stops_before_what_it_needs(tmp_path: Path) -> None:
    parts = chain(tmp_path)
    await start_in_order(parts, lambda _: None)

    await stop_in_order(parts)

    assert (tmp_path / "ends").read_text().split() == ["console", "billing", "kafka"]
    assert not any(part.running for part in parts.values())


async def test_nothing_that_needs_a_failed_part_is_started(tmp_path: Path) -> None:
    parts = chain(tmp_path)
    parts["billing"].command = [sys.executable, "-c", "exit(1)"]

    with pytest.raises(PermanentError, match="billing ended by itself with code 1"):
        await start_in_order(parts, lambda _: None)

    assert not parts["console"].log_path.exists()
    await stop_in_order(parts)
