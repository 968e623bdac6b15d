"""Rows `memory`: what each service holds in memory after the first sync of both sides."""

from standalone.services import SERVICES
from tests.bench.connected_system import ConnectedEnv
from tests.bench.harness import Row, Sample, Sign, Spread, Target
from tests.bench.usage import cpu_seconds, peak_mb, resident_mb

_TARGET = Target(Sign.AT_MOST, 150)
"""Set for 100,000 subscriptions; fewer must stay well below."""


async def measure(env: ConnectedEnv) -> list[Row]:
    """Read memory in use and at its peak; the seconds are those of the whole first sync."""
    sync = env.first_sync
    rows = [_row(name, env.system.processes[name].pid, sync.seconds) for name in SERVICES]
    outcomes = ", ".join(sorted(sync.outcomes.values()))
    lags = ", ".join(f"{lag:.0f} ms" for lag in sync.dashboard_lags_ms)
    whole = Row(
        name="first sync, everything running",
        unit="s",
        ours=Spread.of([sync.seconds]),
        notes=(f"{outcomes}; from the stored reconciliation to the dashboard: {lags}",),
    )
    return [whole, *rows]


def _row(name: str, pid: int, seconds: float) -> Row:
    sample = Sample(seconds, 1, cpu_seconds(pid), peak_mb(pid))
    held = Spread.of([resident_mb(pid)])
    return Row(name=f"memory of {name}", unit="MB", ours=held, target=_TARGET, samples=(sample,))
