"""What rows are measured on: the running servers or system, and a fresh process for each side of a pair."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from standalone.system import System
from tests.bench.harness import ENOUGH, Sample

_ROOT = Path(__file__).parents[2]
_WITHIN = 300.0
_NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one side is told: where the servers are, a name of its own, and how much there is to do."""

    kafka: str
    mongo_url: str
    sandbox: str
    name: str
    """Of its database and its consumer group."""
    count: int


Side = Callable[[Plan], Awaitable[Sample]]
"""A module's function that does the work once; it runs in a process of its own."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where rows are measured, and how patiently."""

    system: System
    work_dir: Path
    quick: bool

    @property
    def pairs(self) -> int:
        return 2 if self.quick else ENOUGH

    def plan(self, amount: int, name: str | None = None) -> Plan:
        """With a fresh name unless one is given."""
        servers = self.system.servers
        fresh = name or f"bench-{os.getpid()}-{next(_NUMBERS)}"
        return Plan(servers.kafka, servers.mongo_url, self.system.urls["sandbox"], fresh, amount)

    async def run(self, side: Side, plan: Plan) -> Sample:
        """Do one side's work in a fresh process; raises `RuntimeError` with where its log is."""
        result, log = self.work_dir / f"{plan.name}.json", self.work_dir / f"{plan.name}.log"
        command = ["-m", "tests.bench.worker", f"{side.__module__}:{side.__name__}", json.dumps(asdict(plan))]
        with log.open("ab") as said:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *command, str(result), cwd=_ROOT, stdout=said, stderr=said
            )
            try:
                async with asyncio.timeout(_WITHIN):
                    code = await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
        if code:
            raise RuntimeError(f"{side.__module__} ended with code {code}: see {log}")
        return Sample(**json.loads(result.read_text("utf-8")))
