"""The demo's exit code is the PSA's verdict."""

import asyncio
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live


@pytest.mark.parametrize(
    ("writes", "code", "verdict"),
    [("applied", 0, "PROVEN: 4 approved lines as approved"), ("refused", 1, "NOT as it should be")],
    ids=["applied", "refused"],
)
async def test_the_demo_exits_by_what_the_psa_says(
    tmp_path: Path, writes: str, code: int, verdict: str
) -> None:
    command = ["-m", "standalone", "demo", "--seed", "21", "--writes", writes, "--data", str(tmp_path)]

    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output = (await process.communicate())[0].decode()

    assert process.returncode == code, output
    assert verdict in output
