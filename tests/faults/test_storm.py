"""A small storm: the large one is `make storm`."""

import asyncio
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

STORM = Path(__file__).with_name("storm.py")


async def test_after_a_storm_in_every_topic_all_services_are_ready_and_have_caught_up(tmp_path: Path) -> None:
    command = [str(STORM), "--messages", "70", "--data", str(tmp_path)]

    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output = (await process.communicate())[0].decode()

    assert process.returncode == 0, output
    assert "WRONG" not in output
    assert "70 bad messages into each of 25 topics" in output
