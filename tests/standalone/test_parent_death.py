"""What is tethered to a process never outlives it."""

import os
import signal
import sys
from pathlib import Path

import pytest
from processes import alive, eventually, python, told

from standalone import parent_death

pytestmark = pytest.mark.server

SLEEPS = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}")
time.sleep(600)
"""
HOLDER = f"""
import os, subprocess, sys, time
tethered = [sys.executable, {parent_death.__file__!r}, str(os.getpid()), *sys.argv[1:]]
subprocess.Popen(tethered, start_new_session=True)
time.sleep(600)
"""


def tethered(parent: int, *command: str, options: tuple[str, ...] = ()) -> tuple[int, str, str]:
    return told(python(parent_death.__file__, str(parent), *options, "--", *command))


@pytest.mark.parametrize("options", [(), ("--watch",)], ids=["by the kernel", "by watching"])
async def test_a_command_ends_when_its_parent_is_killed(tmp_path: Path, options: tuple[str, ...]) -> None:
    said = tmp_path / "pids"
    command = [*options, "--", sys.executable, "-c", SLEEPS, str(said)]
    parent = python("-c", HOLDER, *command)
    assert await eventually(lambda: said.exists() and " " in said.read_text())
    pid, grandchild = map(int, said.read_text().split())

    parent.kill()

    assert await eventually(lambda: not alive(pid))
    if options:
        assert await eventually(lambda: not alive(grandchild))
    else:  # the kernel's tether is for parts, and each is one process
        os.kill(grandchild, signal.SIGKILL)
    told(parent)


@pytest.mark.parametrize("options", [(), ("--watch",)], ids=["by the kernel", "by watching"])
def test_the_exit_code_is_that_of_the_command(options: tuple[str, ...]) -> None:
    assert tethered(os.getpid(), sys.executable, "-c", "exit(7)", options=options)[0] == 7


def test_nothing_runs_for_a_parent_that_has_gone() -> None:
    code, said, _ = tethered(1_000_000_000, sys.executable, "-c", "print('ran')")

    assert code == parent_death.ORPHANED
    assert not said


def test_a_command_that_is_not_there_is_named() -> None:
    code, _, complaint = tethered(os.getpid(), "/no/such/program")

    assert code == 127
    assert complaint == "/no/such/program cannot be run: No such file or directory\n"
