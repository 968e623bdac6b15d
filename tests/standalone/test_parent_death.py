"""A command that is run by `parent_death` never outlives its parent."""

import os
import signal
import sys
from pathlib import Path

import pytest
from processes import alive, eventually, python, run_to_end

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
guarded = [sys.executable, {parent_death.__file__!r}, str(os.getpid()), *sys.argv[1:]]
subprocess.Popen(guarded, start_new_session=True)
time.sleep(600)
"""


def run_guarded(parent: int, *command: str, options: tuple[str, ...] = ()) -> tuple[int, str, str]:
    return run_to_end(python(parent_death.__file__, str(parent), *options, "--", *command))


@pytest.mark.parametrize("options", [(), ("--watch",)], ids=["by the kernel", "by watching"])
async def test_a_command_ends_when_its_parent_is_killed(tmp_path: Path, options: tuple[str, ...]) -> None:
    output = tmp_path / "pids"
    command = [*options, "--", sys.executable, "-c", SLEEPS, str(output)]
    parent = python("-c", HOLDER, *command)
    assert await eventually(lambda: output.exists() and " " in output.read_text())
    pid, grandchild = map(int, output.read_text().split())

    parent.kill()

    assert await eventually(lambda: not alive(pid))
    if options:
        assert await eventually(lambda: not alive(grandchild))
    else:  # the kernel ends the command only, and each of ours is one process
        os.kill(grandchild, signal.SIGKILL)
    run_to_end(parent)


@pytest.mark.parametrize("options", [(), ("--watch",)], ids=["by the kernel", "by watching"])
def test_the_exit_code_is_that_of_the_command(options: tuple[str, ...]) -> None:
    assert run_guarded(os.getpid(), sys.executable, "-c", "exit(7)", options=options)[0] == 7


def test_nothing_runs_for_a_parent_that_has_gone() -> None:
    code, output, _ = run_guarded(1_000_000_000, sys.executable, "-c", "print('ran')")

    assert code == parent_death.ORPHANED
    assert not output


def test_a_command_that_is_not_there_is_named() -> None:
    code, _, error_output = run_guarded(os.getpid(), "/no/such/program")

    assert code == 127
    assert error_output == "/no/such/program cannot be run: No such file or directory\n"
