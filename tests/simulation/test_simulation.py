"""As many seeds as fit into a minute: no invariant may break, and each must have been looked at."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.server  # it takes a minute, in a process of its own

_SECONDS = 55
"""After so long no further seed begins: with the last one it is a minute."""
_LEAST_SEEDS = 3


def test_no_invariant_breaks_while_everything_moves() -> None:
    command = [sys.executable, "-m", "tests.simulation", "--seeds", "1000", "--steps", "120"]
    limits = ["--seconds", str(_SECONDS), "--least", str(_LEAST_SEEDS)]

    done = subprocess.run(  # noqa: S603  ours
        [*command, *limits], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )

    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 numbers" not in done.stdout
    assert " 0 writes" not in done.stdout
