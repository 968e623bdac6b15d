"""`make faults`: a scripted month on the standalone system while its processes are killed at random.

Rounds and seed are printed, and the same seed plans the same month and the same kills. After every round
the real things are asked whether what must be so is so; the first fault ends the run with code 1.
"""

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
from havoc import VICTIMS, Havoc
from history import History
from month import Ledger, Month
from person import InVain, Person
from verdict import Judge

from standalone import signals
from standalone.data_dir import locked
from standalone.demo.story import DemoStory
from standalone.services import SERVICES
from standalone.startup_order import tell
from standalone.system import System

DATA = Path(".trueup/faults")
LATENCY_MS = 15
"""Of each call of a provider: without it a run or a write is over before anything can befall it."""
SETTLED, STATUS = 30.0, 10.0
"""Seconds in which all that travels has arrived, and the status channel is right (architecture §8)."""

_GLANCE = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run of the faults is made of."""

    rounds: int
    seed: int
    subscriptions: int
    data: Path
    within: float
    """Seconds of each round in which the kills fall."""
    takeover: Mapping[str, str]
    """The services' setting for how soon a dead one's work is taken over; empty for the usual terms."""


@dataclass(slots=True)
class Faults:
    """The rounds, and what was found after them."""

    havoc: Havoc
    month: Month
    judge: Judge
    history: History
    slowest: dict[str, float] = field(default_factory=dict)
    """Seconds, by what was waited for."""

    async def round(self, number: int) -> list[str]:
        """The month goes on while parts die; then everything is judged."""
        self.history.round = number
        self.history.note("round", "begins")
        self.month.deciding.clear()
        faults: list[str] = []
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.month.round(number))
                group.create_task(self.havoc.round(number, self.month.deciding))
        except* InVain as errors:
            faults = [str(error) for error in errors.exceptions]
        return faults or await self._judged(emptied=number % 2 == 0)

    async def _judged(self, *, emptied: bool) -> list[str]:
        """The channel first: its seconds count from the last restart, or from being emptied."""
        faults = await self._none("the status channel", self.judge.status_faults, STATUS)
        if emptied:
            await self.havoc.flush()
            faults += await self._none("the emptied channel", self.judge.status_faults, STATUS)
        return faults + await self._none("everything else", self.judge.faults, SETTLED)

    async def _none(self, what: str, look: Callable[[], Awaitable[list[str]]], within: float) -> list[str]:
        """The faults that are still there after as many seconds."""
        began = time.monotonic()
        while (faults := await look()) and time.monotonic() < began + within:
            await asyncio.sleep(_GLANCE)
        took = time.monotonic() - began
        self.slowest[what] = max(took, self.slowest.get(what, 0))
        self.history.note("ok" if not faults else "fail", what, seconds=round(took, 1), faults=faults)
        return faults


async def run(plan: Plan) -> int:
    """0 when every round held, 1 when one did not."""
    began = time.monotonic()
    tell(f"faults: {plan.rounds} rounds, seed {plan.seed} (SEED={plan.seed} repeats it)")
    with locked(plan.data):
        shutil.rmtree(plan.data / "system", ignore_errors=True)
        history = History(plan.data / "history.jsonl")
        async with _begun(plan, history) as faults:
            tell(f"everything is up after {time.monotonic() - began:.0f} s")
            for number in range(1, plan.rounds + 1):
                started = time.monotonic()
                found = await faults.round(number)
                tell(f"round {number:>2}  {time.monotonic() - started:5.1f} s  {_kills(history, number)}")
                if found:
                    _complain(plan, number, found)
                    return 1
            _conclude(faults, time.monotonic() - began)
    return 0


@asynccontextmanager
async def _begun(plan: Plan, history: History) -> AsyncIterator[Faults]:
    """Everything running, a person signed in, nothing done yet."""
    overrides = {
        "sandbox": {"SANDBOX__SUBSCRIPTIONS": str(plan.subscriptions)},
        **dict.fromkeys(SERVICES, plan.takeover),
    }
    async with (
        System(
            data_dir=plan.data / "system", seed=plan.seed % 10_000, overrides=overrides, say=_quiet
        ) as system,
        Person(system.urls, history) as person,
        httpx.AsyncClient(base_url=system.urls["sandbox"], trust_env=False, timeout=30) as sandbox,
    ):
        await person.sign_in(system.credentials.admin_email, system.credentials.admin_password)
        (await sandbox.put("/_sandbox/switches", json={"latency_ms": LATENCY_MS})).raise_for_status()
        story = DemoStory(person, (await sandbox.get("/_sandbox/scenario")).raise_for_status().json())
        rows = (await sandbox.get("/_sandbox/additions")).raise_for_status().json()
        ledger = Ledger({str(row["id"]): Decimal(str(row["quantity"])) for row in rows})
        month = Month(person, sandbox, story, ledger, history, system.servers.kafka, plan.seed)
        yield Faults(Havoc(system, plan.seed, history, plan.within), month, Judge(system, month), history)


def _kills(history: History, number: int) -> str:
    """What was killed in this round, in order."""
    return ", ".join(history.killed_in(number))


def _complain(plan: Plan, number: int, faults: list[str]) -> None:
    tell(f"\nseed {plan.seed}, round {number}: what must be so is not so")
    for fault in faults[:20]:
        tell(f"  WRONG  {fault[:1000]}")
    if len(faults) > 20:
        tell(f"  and {len(faults) - 20} more")
    tell(f"history: {plan.data / 'history.jsonl'}   logs: {plan.data / 'system' / 'logs'}")


def _conclude(faults: Faults, seconds: float) -> None:
    killed, ledger = faults.history.killed, faults.month.ledger
    rows = {
        "kills": ", ".join(f"{name} {killed[name]}" for name in (*VICTIMS, "status channel")),
        "decisions": f"{len(ledger.decisions)}, each told, audited and answered once",
        "writes": f"{sum(map(len, ledger.writes.values()))} to {len(ledger.writes)} lines, each once",
        "slowest": ", ".join(f"{what} {took:.1f} s" for what, took in faults.slowest.items()),
        "took": f"{seconds:.0f} s",
    }
    tell("")
    for name, text in rows.items():
        tell(f"{name:<10} {text}")


def _quiet(line: str) -> None:
    """How each part starts is of no interest here."""


def _plan() -> Plan:
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
    return Plan(given.rounds, seed, given.subscriptions, given.data, given.within, takeover)


if __name__ == "__main__":
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # that Kafka is away is what we are here for
    raise SystemExit(signals.run(run(_plan())))
