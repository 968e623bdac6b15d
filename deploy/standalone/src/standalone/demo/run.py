"""Runs the demo: starts everything on fresh data, plays the story, and exits by the PSA's verdict."""

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
from standalone.startup_order import Report, print_line
from standalone.system import System

DATA = Path(".trueup/demo")


async def run(seed: int | None, writes: str, data: Path, report: Report = print_line) -> int:
    """Return the exit code, 0 when all is proven, else 1; `writes` sets the PSA's switch of that name."""
    started = time.monotonic()
    with locked(data):  # another demo may be running on this data
        shutil.rmtree(data / "system", ignore_errors=True)
        async with System(data_dir=data / "system", seed=seed, report=report) as system:
            report(f"everything is up after {time.monotonic() - started:.0f} s")
            verdict = await _play(system, writes, report)
    report(f"the end after {time.monotonic() - started:.0f} s")
    return verdict.exit_code


async def _play(system: System, writes: str, report: Report) -> DemoVerdict:
    async with (
        DemoClient(system.urls) as client,
        httpx.AsyncClient(base_url=system.urls["sandbox"], trust_env=False, timeout=30) as sandbox,
    ):
        await _control(sandbox, "PUT", "switches", {"connectwise.writes": writes})
        story = DemoStory(client, await _control(sandbox, "GET", "scenario"))
        report(f"\nthe story of seed {story.scenario['seed']} (SEED={story.scenario['seed']} repeats it)")
        name = await client.sign_in(system.credentials.admin_email, system.credentials.admin_password)
        report(f" 1  {name} signs in, with the password that was made for this run")
        await _connect_and_map(story, sandbox, report)
        await _sync_and_review(story, sandbox, report)
        return await approve_and_judge(story, sandbox, report)


async def approve_and_judge(story: DemoStory, sandbox: httpx.AsyncClient, report: Report) -> DemoVerdict:
    """Approve what was reviewed; judge by what the PSA held before the first approval and holds then."""
    before = await _control(sandbox, "GET", "additions")
    await _approve(story, report)
    after = await _control(sandbox, "GET", "additions")
    writes = (await _control(sandbox, "GET", "writes"))["writes"]
    verdict = judge(story.approved, before, after, writes)
    _conclude(verdict, report)
    return verdict


async def _connect_and_map(story: DemoStory, sandbox: httpx.AsyncClient, report: Report) -> None:
    await story.connect(await _control(sandbox, "GET", "credentials"))
    for integration in story.integrations.values():
        report(f" 2  connected {integration['name']}: {integration['status']}")
    found = await story.wait_for_discovery()
    report(f" 3  generated {', '.join(f'{count} {what}' for what, count in found.items())}")
    counts = await story.count_mappings()
    accounts, services = counts.get("account approved exact", 0), counts.get("service approved exact", 0)
    report(f" 4  mapped by itself: {plural(accounts, 'account')} and {plural(services, 'service')}")
    for kind, decided in (await story.map_manually()).items():
        report(f" 5  {kind} by hand: {'; '.join(decided)}")


async def _sync_and_review(story: DemoStory, sandbox: httpx.AsyncClient, report: Report) -> None:
    changes = await _control(sandbox, "POST", "month-passes")
    report(f" 6  a month passes at the vendor: {plural(len(changes['changed']), 'subscription')} changed")
    sync_id = await story.finish_mapping()
    outcomes = await story.client.wait_for_sync({story.vendor_id, story.psa_id}, sync_id)
    report(f" 7  mapping finished, synced: {', '.join(sorted(outcomes.values()))}")
    lines = await story.review()
    report(f" 8  {plural(len(lines), 'usage line')}, what is bought beside what is billed:")
    for row in table(lines):
        report(row)


async def _approve(story: DemoStory, report: Report) -> None:
    for part, reason in await story.attempt_refused_approvals():
        report(f" 9  cannot be approved ({part.replace('_', ' ')}): {reason}")
    await story.approve_differences()
    for approval in story.approved:
        counts = f"{approval.line['psa_count']['number']} → {approval.line['vendor_count']['number']}"
        part = approval.part.replace("_", " ")
        where = f"{approval.line['names']['psa_account']}, {approval.line['names']['product']}"
        report(f"10  approved {counts} ({part}) for {where}: {approval.outcome['state']}")


def _conclude(verdict: DemoVerdict, report: Report) -> None:
    report("11  what the PSA itself says:")
    for fault in verdict.faults:
        report(f"    WRONG  {fault}")
    lines = f"{plural(verdict.written, 'approved line')} as approved, {verdict.unchanged} others unchanged"
    report(f"    {'NOT as it should be' if verdict.faults else 'PROVEN'}: {lines}")


async def _control(sandbox: httpx.AsyncClient, method: str, path: str, body: Json | None = None) -> Any:
    answer = (await sandbox.request(method, f"/_sandbox/{path}", json=body)).raise_for_status()
    return answer.json()
