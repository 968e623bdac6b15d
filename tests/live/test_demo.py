"""The demo ends well when the PSA itself proves it; `faults/test_broken_proof.py` has the other end."""

import asyncio
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live


async def test_the_demo_exits_with_code_0_when_the_psa_proves_every_approval(tmp_path: Path) -> None:
    command = ["-m", "standalone", "demo", "--seed", "21", "--data", str(tmp_path)]

    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output = (await process.communicate())[0].decode()

    assert process.returncode == 0, output
    assert "PROVEN: 4 approved lines as approved" in output
