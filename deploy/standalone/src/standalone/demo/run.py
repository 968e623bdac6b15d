"""Runs the demo: starts everything on fresh data, tells the story, asks the PSA, and exits by its verdict."""

import shutil
import time
from pathlib import Path
from typing import Any

import httpx

from standalone.data_dir import locked
from standalone.demo.client import DemoClient
from standalone.demo.output import Json, plural, table
from standalone.demo.story import DemoStory
from standalone.demo.verdict import DemoVerdict, judge
from standalone.startup_order import Say, tell
from standalone.system import System

DATA = Path(".trueup/demo")


async def run(seed: int | None, writes: str, data: Path, say: Say = tell) -> int:
    """0 when the verdict holds, 1 when it does not; `writes` sets how the simulated PSA takes them."""
    started = time.monotonic()
    with locked(data):  # before the data of another demo that may be running is touched
        shutil.rmtree(data / "system", ignore_errors=True)
        async with System(data_dir=data / "system", seed=seed, say=say) as system:
            say(f"everything is up after {time.monotonic() - started:.0f} s")
            verdict = await _tell(system, writes, say)
    say(f"the end after {time.monotonic() - started:.0f} s")
    return 1 if verdict.faults else 0


async def _tell(system: System, writes: str, say: Say) -> DemoVerdict:
    async with (
        DemoClient(system.urls) as desk,
        httpx.AsyncClient(base_url=system.urls["sandbox"], trust_env=False, timeout=30) as sandbox,
    ):
        await _control(sandbox, "PUT", "switches", {"connectwise.writes": writes})
        story = DemoStory(desk, await _control(sandbox, "GET", "scenario"))
        say(f"\nthe story of seed {story.scenario['seed']} (SEED={story.scenario['seed']} repeats it)")
        name = await desk.sign_in(system.credentials.admin_email, system.credentials.admin_password)
        say(f" 1  {name} signs in, with the password that was made for this run")
        await _connect_and_map(story, sandbox, say)
        await _sync_and_review(story, sandbox, say)
        before = await _control(sandbox, "GET", "additions")
        await _approve(story, say)
        after = await _control(sandbox, "GET", "additions")
        writes_made = (await _control(sandbox, "GET", "writes"))["writes"]
        verdict = judge(story.approved, before, after, writes_made)
        _conclude(verdict, say)
        return verdict


async def _connect_and_map(story: DemoStory, sandbox: httpx.AsyncClient, say: Say) -> None:
    await story.connect(await _control(sandbox, "GET", "credentials"))
    for integration in story.integrations.values():
        say(f" 2  connected {integration['name']}: {integration['status']}")
    found = await story.discovered()
    say(f" 3  generated {', '.join(f'{count} {what}' for what, count in found.items())}")
    counts = await story.mapped()
    accounts, services = counts.get("account approved exact", 0), counts.get("service approved exact", 0)
    say(f" 4  mapped by itself: {plural(accounts, 'account')} and {plural(services, 'service')}")
    for kind, decided in (await story.map_by_hand()).items():
        say(f" 5  {kind} by hand: {'; '.join(decided)}")


async def _sync_and_review(story: DemoStory, sandbox: httpx.AsyncClient, say: Say) -> None:
    changes = await _control(sandbox, "POST", "month-passes")
    say(f" 6  a month passes at the vendor: {plural(len(changes['changed']), 'subscription')} changed")
    sync_id = await story.finish()
    outcomes = await story.desk.synced({story.vendor_id, story.psa_id}, sync_id)
    say(f" 7  mapping finished, synced: {', '.join(sorted(outcomes.values()))}")
    lines = await story.review()
    say(f" 8  {plural(len(lines), 'usage line')}, what is bought beside what is billed:")
    for row in table(lines):
        say(row)


async def _approve(story: DemoStory, say: Say) -> None:
    for part, reason in await story.try_what_cannot_be():
        say(f" 9  cannot be approved ({part.replace('_', ' ')}): {reason}")
    await story.approve()
    for each in story.approved:
        counts = f"{each.line['psa_count']['number']} → {each.line['vendor_count']['number']}"
        where = f"{each.line['names']['psa_account']}, {each.line['names']['product']}"
        say(f"10  approved {counts} ({each.part.replace('_', ' ')}) for {where}: {each.outcome['state']}")


def _conclude(verdict: DemoVerdict, say: Say) -> None:
    say("11  what the PSA itself says:")
    for fault in verdict.faults:
        say(f"    WRONG  {fault}")
    lines = f"{plural(verdict.written, 'approved line')} as approved, {verdict.untouched} others unchanged"
    say(f"    {'NOT as it should be' if verdict.faults else 'PROVEN'}: {lines}")


async def _control(sandbox: httpx.AsyncClient, method: str, path: str, body: Json | None = None) -> Any:
    answer = (await sandbox.request(method, f"/_sandbox/{path}", json=body)).raise_for_status()
    return answer.json()
