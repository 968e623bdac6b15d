"""Two rounds of `make faults` with few subscriptions: the long runs are its own."""

import asyncio
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

RUN = Path(__file__).with_name("run.py")


async def test_a_month_under_kills_ends_without_a_fault(tmp_path: Path) -> None:
    short = ["--rounds", "2", "--seed", "44", "--within", "4", "--subscriptions", "16"]
    command = [str(RUN), *short, "--takeover", "4", "--data", str(tmp_path)]

    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output = (await process.communicate())[0].decode()

    assert process.returncode == 0, output
    assert "round  2" in output
