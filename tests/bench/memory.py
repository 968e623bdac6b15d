"""Rows: what each service holds in memory after the first sync of both sides."""

from standalone.services import SERVICES
from tests.bench.connected import Connected
from tests.bench.harness import Row, Sample, Sign, Spread, Target
from tests.bench.usage import cpu_seconds, peak_mb, resident_mb

_TARGET = Target(Sign.AT_MOST, 150)
"""Set for 100,000 subscriptions; fewer must stay well below."""


async def measure(ground: Connected) -> list[Row]:
    """Memory now, beside the peak; the time is that of the whole first sync."""
    synced = ground.synced
    rows = [_row(name, ground.system.parts[name].pid, synced.seconds) for name in SERVICES]
    outcomes = ", ".join(sorted(synced.outcomes.values()))
    lags = ", ".join(f"{lag:.0f} ms" for lag in synced.told_after_ms)
    whole = Row(
        name="first sync, everything running",
        unit="s",
        ours=Spread.of([synced.seconds]),
        notes=(f"{outcomes}; from the stored reconciliation to the dashboard: {lags}",),
    )
    return [whole, *rows]


def _row(name: str, pid: int, seconds: float) -> Row:
    sample = Sample(seconds, 1, cpu_seconds(pid), peak_mb(pid))
    held = Spread.of([resident_mb(pid)])
    return Row(name=f"memory of {name}", unit="MB", ours=held, target=_TARGET, samples=(sample,))
