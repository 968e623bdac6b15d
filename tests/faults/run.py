"""`make faults`: a scripted month on the standalone system while its processes are killed at random.

Rounds and seed are printed, and the same seed plans the same month and the same kills. After every round the
invariants of the system are checked (`verdict`); the first fault ends the run with code 1.
"""

# Month and kills of a round run concurrently; the round ends when both have, with every process alive again.
# Only then the invariants are checked, each check repeated until it finds no fault or its time is over, since
# what is still on its way is no fault.  The status channel comes first, as its time counts from the last
# restart.  In every second round the channel is emptied, and must fill itself.

import argparse
import asyncio
import logging
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import httpx
from fault_injector import VICTIMS, FaultInjector
from history import History
from month import Ledger, ScriptedMonth
from persistent_client import DeadlineExceeded, PersistentClient
from verdict import InvariantChecker

from standalone import signals
from standalone.data_dir import locked
from standalone.demo.story import DemoStory
from standalone.services import SERVICES
from standalone.startup_order import print_line
from standalone.system import System

DATA = Path(".trueup/faults")
LATENCY_MS = 15
"""Latency of each provider call: without it a run or a write is over before a kill can hit it."""
SETTLED_SECONDS, STATUS_SECONDS = 30.0, 10.0
"""Time in which everything on its way arrives, and the status channel is right (architecture §8)."""

_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """The options of one run."""

    rounds: int
    seed: int
    subscriptions: int
    data: Path
    kill_window_seconds: float
    """How long the part of a round lasts in which the kills fall."""
    takeover: Mapping[str, str]
    """The services' setting for how soon the work of a dead one is taken over; empty for the usual terms."""


@dataclass(slots=True)
class FaultRun:
    """Plays the rounds, and checks the invariants after each."""

    injector: FaultInjector
    month: ScriptedMonth
    checker: InvariantChecker
    history: History
    slowest: dict[str, float] = field(default_factory=dict)
    """The longest time in seconds that each check took until it found no fault."""

    async def run_round(self, number: int) -> list[str]:
        """Play the month while processes are killed, then check; return the faults."""
        self.history.round = number
        self.history.record("round", "begins")
        self.month.first_decision.clear()
        faults: list[str] = []
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.month.run_round(number))
                group.create_task(self.injector.run_round(number, self.month.first_decision))
        except* DeadlineExceeded as errors:
            faults = [str(error) for error in errors.exceptions]
        return faults or await self._check(flush=number % 2 == 0)

    async def _check(self, *, flush: bool) -> list[str]:
        faults = await self._wait_for_no_faults(
            "the status channel", self.checker.status_faults, STATUS_SECONDS
        )
        if flush:
            await self.injector.flush()
            faults += await self._wait_for_no_faults(
                "the emptied channel", self.checker.status_faults, STATUS_SECONDS
            )
        return faults + await self._wait_for_no_faults(
            "everything else", self.checker.faults, SETTLED_SECONDS
        )

    async def _wait_for_no_faults(
        self, what: str, check: Callable[[], Awaitable[list[str]]], timeout_seconds: float
    ) -> list[str]:
        """Repeat the check until it finds nothing; return the faults that are left after the time-out."""
        started = time.monotonic()
        while (faults := await check()) and time.monotonic() < started + timeout_seconds:
            await asyncio.sleep(_POLL_SECONDS)
        seconds = time.monotonic() - started
        self.slowest[what] = max(seconds, self.slowest.get(what, 0))
        self.history.record("ok" if not faults else "fail", what, seconds=round(seconds, 1), faults=faults)
        return faults


async def run(plan: FaultPlan) -> int:
    """Return the exit code: 0 when no round had a fault, 1 otherwise."""
    began = time.monotonic()
    print_line(f"faults: {plan.rounds} rounds, seed {plan.seed} (SEED={plan.seed} repeats it)")
    with locked(plan.data):
        shutil.rmtree(plan.data / "system", ignore_errors=True)
        history = History(plan.data / "history.jsonl")
        async with _open_run(plan, history) as fault_run:
            print_line(f"everything is up after {time.monotonic() - began:.0f} s")
            for number in range(1, plan.rounds + 1):
                started = time.monotonic()
                faults = await fault_run.run_round(number)
                kills = ", ".join(history.kills_in(number))
                print_line(f"round {number:>2}  {time.monotonic() - started:5.1f} s  {kills}")
                if faults:
                    _print_faults(plan, number, faults)
                    return 1
            _conclude(fault_run, time.monotonic() - began)
    return 0


@asynccontextmanager
async def _open_run(plan: FaultPlan, history: History) -> AsyncIterator[FaultRun]:
    """Start everything and sign in; nothing else is done yet."""
    overrides = {
        "sandbox": {"SANDBOX__SUBSCRIPTIONS": str(plan.subscriptions)},
        **dict.fromkeys(SERVICES, plan.takeover),
        # Nothing is between us and the sandbox that could hold a request for minutes.
        "psa-sync": {**plan.takeover, "REQUEST_LIFE": "PT3S"},
    }
    async with (
        System(
            data_dir=plan.data / "system", seed=plan.seed % 10_000, overrides=overrides, report=lambda _: None
        ) as system,
        PersistentClient(system.urls, history) as client,
        httpx.AsyncClient(base_url=system.urls["sandbox"], trust_env=False, timeout=30) as sandbox,
    ):
        await client.sign_in(system.credentials.admin_email, system.credentials.admin_password)
        (await sandbox.put("/_sandbox/switches", json={"latency_ms": LATENCY_MS})).raise_for_status()
        story = DemoStory(client, (await sandbox.get("/_sandbox/scenario")).raise_for_status().json())
        rows = (await sandbox.get("/_sandbox/additions")).raise_for_status().json()
        ledger = Ledger({str(row["id"]): Decimal(str(row["quantity"])) for row in rows})
        month = ScriptedMonth(client, sandbox, story, ledger, history, system.servers.kafka, plan.seed)
        yield FaultRun(
            FaultInjector(system, plan.seed, history, plan.kill_window_seconds),
            month,
            InvariantChecker(system, month),
            history,
        )


def _print_faults(plan: FaultPlan, number: int, faults: list[str]) -> None:
    print_line(f"\nseed {plan.seed}, round {number}: what must be so is not so")
    for fault in faults[:20]:
        print_line(f"  WRONG  {fault[:1000]}")
    if len(faults) > 20:
        print_line(f"  and {len(faults) - 20} more")
    print_line(f"history: {plan.data / 'history.jsonl'}   logs: {plan.data / 'system' / 'logs'}")


def _conclude(fault_run: FaultRun, seconds: float) -> None:
    kills, ledger = fault_run.history.kill_counts, fault_run.month.ledger
    rows = {
        "kills": ", ".join(f"{name} {kills[name]}" for name in (*VICTIMS, "status channel")),
        "decisions": f"{len(ledger.decisions)}, each published, audited and answered once",
        "writes": f"{sum(map(len, ledger.writes.values()))} to {len(ledger.writes)} lines, each once",
        "slowest": ", ".join(f"{what} {slowest:.1f} s" for what, slowest in fault_run.slowest.items()),
        "took": f"{seconds:.0f} s",
    }
    print_line("")
    for name, text in rows.items():
        print_line(f"{name:<10} {text}")


def _parse_plan() -> FaultPlan:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seed", type=int, help="repeats the month and the kills of a run before")
    parser.add_argument("--subscriptions", type=int, default=300, help="on top of the story's")
    parser.add_argument("--data", type=Path, default=DATA, help="emptied before it starts")
    parser.add_argument("--within", type=float, default=8, help="seconds of a round in which the kills fall")
    parser.add_argument("--takeover", help="seconds until a dead service's work is taken over")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else secrets.randbelow(10_000)
    takeover = {"TRUEUP_TEST_TAKEOVER_SECONDS": given.takeover} if given.takeover else {}
    return FaultPlan(given.rounds, seed, given.subscriptions, given.data, given.within, takeover)


if __name__ == "__main__":
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the client reports every dead broker
    raise SystemExit(signals.run(run(_parse_plan())))
