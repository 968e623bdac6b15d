"""The environment of the rows: the running servers or system, and a fresh process for each side of a pair."""

import asyncio
import json
import os
import pickle
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from shared.runtime.settings import KafkaSettings
from standalone.system import System
from tests.bench.harness import MIN_PAIRS, Sample

_ROOT = Path(__file__).parents[2]
_TIMEOUT_SECONDS = 300.0
_NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Workload:
    """What one side works on: the servers' addresses, a name of its own, and how much there is to do."""

    kafka: KafkaSettings
    mongo_url: str = field(repr=False)
    sandbox: str
    name: str
    """Of the side's database and consumer group."""
    count: int


Side = Callable[[Workload], Awaitable[Sample]]
"""A module's function that does the work once, in a process of its own."""


@dataclass(frozen=True, slots=True)
class BenchEnv:
    """Where rows are measured, and whether only for a first look (`quick`)."""

    system: System
    work_dir: Path
    quick: bool

    @property
    def pairs(self) -> int:
        return 2 if self.quick else MIN_PAIRS

    def workload(self, amount: int, name: str | None = None) -> Workload:
        """Return a workload of this size, with a name that no other has unless one is given."""
        servers = self.system.servers
        own_name = name or f"bench-{os.getpid()}-{next(_NUMBERS)}"
        return Workload(servers.kafka, servers.mongo_url, self.system.urls["sandbox"], own_name, amount)

    async def run(self, side: Side, workload: Workload) -> Sample:
        """Do one side's work in a fresh process; raises `RuntimeError` that names the log when it fails."""
        # A fresh process each time: neither side profits from caches and compiled code of the run before.
        result, log_path = self.work_dir / f"{workload.name}.json", self.work_dir / f"{workload.name}.log"
        side_name = f"{side.__module__}:{side.__name__}"
        command = ["-m", "tests.bench.worker", side_name, str(result)]
        with log_path.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *command, cwd=_ROOT, stdin=asyncio.subprocess.PIPE, stdout=log, stderr=log
            )
            try:
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    await process.communicate(pickle.dumps(workload))
            finally:
                if process.returncode is None:
                    process.kill()
        if process.returncode:
            raise RuntimeError(f"{side.__module__} ended with code {process.returncode}: see {log_path}")
        return Sample(**json.loads(result.read_text("utf-8")))
