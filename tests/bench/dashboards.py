"""Rows `dashboards`: how long a completion takes from the status channel to subscribed dashboards."""

# Every dashboard must be subscribed before the first measured completion, or its delay would hold the
# connecting.  So one completion is reported ahead: each dashboard gets it within the snapshot that begins its
# stream, and from then on it is subscribed.  The measured ones follow with pauses, so that a delay is that of
# one completion and not of a queue, and in turns for several integrations: a reader that is slow for a moment
# skips to the newest status of each, and would never see the one before.

import asyncio
import time
from datetime import timedelta
from statistics import quantiles

from pydantic import SecretStr

from shared.contracts.base import Outcome
from shared.runtime.settings import RedisSettings
from shared.status_channel import RunStatus, StatusChannel
from standalone.demo.client import DemoClient
from tests.bench.connected_system import ConnectedEnv, sign_in
from tests.bench.harness import Row, Sample, Sign, Spread, Target
from tests.bench.usage import cpu_seconds, peak_mb

_TARGET = Target(Sign.AT_MOST, 100)
_DASHBOARDS = 10
_INTEGRATION = "int_bench"
_INTEGRATIONS = 20
_PAUSE_SECONDS = timedelta(milliseconds=25).total_seconds()
_FIRST = "first"


async def measure(env: ConnectedEnv) -> list[Row]:
    """Watch ten dashboards on the console's event stream, while completions are reported as billing does."""
    system, amount = env.system, 60 if env.quick else 300
    console_pid = system.processes["console"].pid
    cpu_before, started = cpu_seconds(console_pid), time.perf_counter()
    channel = StatusChannel(RedisSettings(url=SecretStr(system.servers.redis_url)))
    async with DemoClient(system.urls) as client:
        await sign_in(client, system)
        delays = sorted(await _measure_delays_ms(channel, client, system.credentials.tenant_id, amount))
    await channel.close()
    seconds = time.perf_counter() - started
    sample = Sample(seconds, len(delays), cpu_seconds(console_pid) - cpu_before, peak_mb(console_pid))
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


async def _measure_delays_ms(
    channel: StatusChannel, client: DemoClient, tenant_id: str, amount: int
) -> list[float]:
    """Return the delay of every completion at every dashboard, in milliseconds."""
    dashboards = [_Dashboard(client, amount) for _ in range(_DASHBOARDS)]
    reported: dict[str, float] = {}
    await channel.report(_completion(tenant_id, _FIRST))
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for dashboard in dashboards:
            group.create_task(dashboard.watch())
        for dashboard in dashboards:
            await dashboard.subscribed.wait()
        for number in range(amount):
            reported[f"run{number}"] = time.perf_counter()
            await channel.report(_completion(tenant_id, f"run{number}", f"_{number % _INTEGRATIONS}"))
            await asyncio.sleep(_PAUSE_SECONDS)
    return [
        (at - reported[run_id]) * 1000 for dashboard in dashboards for run_id, at in dashboard.seen_at.items()
    ]


class _Dashboard:
    """Watches until it has seen `amount` completions; `seen_at` holds when it saw each run's."""

    def __init__(self, client: DemoClient, amount: int) -> None:
        self._client, self._amount = client, amount
        self.subscribed, self.seen_at = asyncio.Event(), dict[str, float]()

    async def watch(self) -> None:
        async for status in self._client.stream_statuses():
            now = time.perf_counter()
            if status["run_id"] == _FIRST:
                self.subscribed.set()
            elif status["integration_id"].startswith(_INTEGRATION):
                self.seen_at[status["run_id"]] = now
            if len(self.seen_at) == self._amount:
                return


def _completion(tenant_id: str, run_id: str, integration: str = "") -> RunStatus:
    return RunStatus(
        tenant_id=tenant_id,
        integration_id=_INTEGRATION + integration,
        run_id=run_id,
        sync_id=run_id,
        phase="reconciled",
        outcome=Outcome.COMPLETE,
    )
