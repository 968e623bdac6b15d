"""Rows: how long a completion takes from the status channel to the dashboards that are subscribed."""

import asyncio
import time
from datetime import timedelta
from statistics import quantiles

from pydantic import SecretStr

from shared.contracts.base import Outcome
from shared.runtime.settings import RedisSettings
from shared.status_channel import RunStatus, StatusChannel
from standalone.demo.client import DemoClient
from tests.bench.connected import Connected, signed_in
from tests.bench.harness import Row, Sample, Sign, Spread, Target
from tests.bench.usage import cpu_seconds, peak_mb

_TARGET = Target(Sign.AT_MOST, 100)
_DASHBOARDS = 10
_INTEGRATION = "int_bench"
_PAUSE = timedelta(milliseconds=25).total_seconds()
_FIRST = "first"


async def measure(ground: Connected) -> list[Row]:
    """Ten dashboards on the console's event stream; each completion is told as billing tells it."""
    system, amount = ground.system, 60 if ground.quick else 300
    console = system.parts["console"].pid
    used, began = cpu_seconds(console), time.perf_counter()
    live = StatusChannel(RedisSettings(url=SecretStr(system.servers.redis_url)))
    async with DemoClient(system.urls) as desk:
        await signed_in(desk, system)
        delays = sorted(await _delays(live, desk, system.credentials.tenant_id, amount))
    await live.close()
    seconds = time.perf_counter() - began
    sample = Sample(seconds, len(delays), cpu_seconds(console) - used, peak_mb(console))
    percentiles = quantiles(delays, n=100)
    return [
        Row(
            name=f"completion to dashboard, p{percent}",
            unit="ms",
            ours=Spread(percentiles[percent - 1], delays[0], delays[-1]),
            target=_TARGET,
            samples=(sample,),
        )
        for percent in (50, 99)
    ]


async def _delays(live: StatusChannel, desk: DemoClient, tenant_id: str, amount: int) -> list[float]:
    """In milliseconds, of every completion at every dashboard."""
    wall = [_Dashboard(desk, amount) for _ in range(_DASHBOARDS)]
    told: dict[str, float] = {}
    # Seen by each as part of the snapshot that it begins with: from then on it is subscribed.
    await live.report(_completion(tenant_id, _FIRST))
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for dashboard in wall:
            group.create_task(dashboard.watch())
        for dashboard in wall:
            await dashboard.subscribed.wait()
        for place in range(amount):
            told[f"run{place}"] = time.perf_counter()
            await live.report(_completion(tenant_id, f"run{place}"))
            await asyncio.sleep(_PAUSE)
    return [(seen - told[run]) * 1000 for dashboard in wall for run, seen in dashboard.seen.items()]


class _Dashboard:
    """Watches until it has seen so many completions; `seen` says when it saw each run's."""

    def __init__(self, desk: DemoClient, amount: int) -> None:
        self._desk, self._amount = desk, amount
        self.subscribed, self.seen = asyncio.Event(), dict[str, float]()

    async def watch(self) -> None:
        async for status in self._desk.statuses():
            now = time.perf_counter()
            if status["run_id"] == _FIRST:
                self.subscribed.set()
            elif status["integration_id"] == _INTEGRATION:
                self.seen[status["run_id"]] = now
            if len(self.seen) == self._amount:
                return


def _completion(tenant_id: str, run_id: str) -> RunStatus:
    return RunStatus(
        tenant_id=tenant_id,
        integration_id=_INTEGRATION,
        run_id=run_id,
        sync_id=run_id,
        phase="reconciled",
        outcome=Outcome.COMPLETE,
    )
