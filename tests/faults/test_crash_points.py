"""Each named crash point, on real servers: die there by SIGKILL, start again, and judge by what is left.

| point | service | what is done, and not yet done |
|---|---|---|
| observation-published | vendor-sync | published, not yet remembered |
| detail-observed | vendor-sync | a to-do item is finished, not yet stored |
| manifest-published | vendor-sync | an account's manifest is acknowledged, not yet recorded |
| decision-committed | billing | an approval is committed, the relay has not sent |
| mapping-decided | matcher | decisions on mappings are committed, not answered |
| outbox-sent | billing | the relay has sent the command, not yet marked it |
| intent-stored | psa-sync | the write's intent is stored, its command not committed |
| patch-answered | psa-sync | the PATCH is sent, its answer not stored |
| answer-stored | psa-sync | the answer is stored, the line not read back |
| batch-stored | billing | a batch is stored, its offset not committed |
"""

import asyncio

import pytest
from crashes import (
    add_one_seat,
    approve_until_answered,
    armed_to_crash,
    assert_audit_verifies,
    assert_lines_match_providers,
    count_detail_calls,
    decide_until_answered,
    read_audit,
    read_finished_details,
    read_open_run_id,
)
from reviewed_system import ReviewedSystem

from shared.contracts.psa_sync import WriteQuantity
from shared.contracts.vendor_sync import SubscriptionObserved
from shared.runtime.crash_points import POINTS
from vendor_sync.runs.detail_reader import CALLS_AT_ONCE

pytestmark = pytest.mark.live

READING = [f"observation-published {SubscriptionObserved.topic}", "detail-observed", "manifest-published"]
DECIDING = [
    ("billing", "decision-committed"),
    ("billing", f"outbox-sent {WriteQuantity.topic}"),
    ("psa-sync", "intent-stored"),
    ("psa-sync", "patch-answered"),
    ("psa-sync", "answer-stored"),
]
MAPPING = "mapping-decided manual"
STORING = f"batch-stored {SubscriptionObserved.topic}"


@pytest.mark.parametrize("where", READING)
async def test_a_run_that_died_goes_on_and_asks_for_no_finished_detail_again(
    crashing: ReviewedSystem, where: str
) -> None:
    subscription = crashing.story.scenario["parts"]["increase"]["subscription_ids"][0]
    await crashing.control("POST", "changes", {"subscriptions": [{"id": subscription, "quantity": 77}]})
    since = (await crashing.control("GET", "calls"))["last"]

    async with armed_to_crash(crashing, "vendor-sync", where) as crash:
        started = await crashing.client.request("POST", "billing", "/syncs", {"kind": "full"})
        await crash.wait()
        run_id = await read_open_run_id(crashing)
        finished = await read_finished_details(crashing, run_id)
    outcomes = await crashing.client.wait_for_sync(crashing.integration_ids, started["sync_id"])

    assert set(outcomes.values()) == {"complete"}
    assert [run["run_id"] for run in await vendor_runs(crashing, started["sync_id"])] == [run_id]
    asked = await count_detail_calls(crashing, since)
    rows = (await crashing.control("GET", "state"))["ingram-micro"]["subscriptions"]
    account_of = {row["id"]: row["customerId"] for row in rows}
    # The account in which something changed is read once more, to make sure of it.
    once = {one for one in account_of if account_of[one] != account_of[subscription]}
    assert {one: asked.get(one, 0) for one in finished & once} == dict.fromkeys(finished & once, 1)
    assert sum(asked[one] - 1 for one in asked.keys() & once) <= CALLS_AT_ONCE
    await assert_lines_match_providers(crashing)
    await crashing.control("POST", "changes", {"subscriptions": [{"id": subscription, "quantity": 70}]})


async def vendor_runs(reviewed: ReviewedSystem, sync_id: str) -> list[dict[str, object]]:
    runs = await reviewed.client.list_all("billing", "/runs", "runs")
    mine = [run for run in runs if run["integration_id"] == reviewed.story.vendor_id]
    return [run for run in mine if sync_id in run["sync_ids"]]


@pytest.mark.parametrize(("service", "where"), DECIDING, ids=[where.split()[0] for _, where in DECIDING])
async def test_a_decision_survives_and_is_written_exactly_once(
    crashing: ReviewedSystem, service: str, where: str
) -> None:
    line = await add_one_seat(crashing, "two_subscriptions")
    line_id = line["evidence"]["billed"][0]["line_id"]
    before = len(await crashing.writes_to(line_id))

    async with asyncio.TaskGroup() as group, armed_to_crash(crashing, service, where) as crash:
        approving = group.create_task(approve_until_answered(crashing, line))
        await crash.wait()
    settled = await crashing.client.wait_for_approval(approving.result()["approval_id"])

    assert settled["state"] == "written"
    [write] = (await crashing.writes_to(line_id))[before:]
    assert write["after"] == float(line["vendor_count"]["number"])
    await assert_audit_verifies(crashing)
    await crashing.sync()
    await assert_lines_match_providers(crashing)


async def test_a_batch_that_was_stored_and_not_committed_is_stored_once(crashing: ReviewedSystem) -> None:
    subscription = crashing.story.scenario["parts"]["decrease"]["subscription_ids"][0]
    await crashing.control("POST", "changes", {"subscriptions": [{"id": subscription, "quantity": 55}]})

    async with armed_to_crash(crashing, "billing", STORING) as crash:
        started = await crashing.client.request("POST", "billing", "/syncs", {"kind": "full"})
        await crash.wait()
    outcomes = await crashing.client.wait_for_sync(crashing.integration_ids, started["sync_id"])

    assert set(outcomes.values()) == {"complete"}
    await assert_lines_match_providers(crashing)
    line = crashing.story.line_of("decrease")
    history = await crashing.client.request("GET", "billing", f"/usage/{line['line_id']}/history")
    seen = [(one["key"], one["revision"]) for one in history["versions"]]
    assert len(seen) == len(set(seen))


async def test_decisions_on_mappings_that_were_cut_off_go_on_and_none_is_made_twice(
    crashing: ReviewedSystem,
) -> None:
    [mapping, *_] = await crashing.client.list_all("matcher", "/mappings?kind=account", "mappings")
    named = {name: mapping[name] for name in ("kind", "vendor_integration_id", "vendor_id")}
    address = f"/mappings/{'/'.join(named.values())}"
    excluding = {**named, "decision": {"excluded": True, "reason": "our own"}}

    async with asyncio.TaskGroup() as group, armed_to_crash(crashing, "matcher", MAPPING) as crash:
        deciding = group.create_task(decide_until_answered(crashing, {"items": [excluding] * 150}))
        await crash.wait()
    outcomes = deciding.result()
    history = await crashing.client.request("GET", "matcher", f"{address}/history")
    decided = history["decisions"][0]
    await crashing.client.request("POST", "matcher", f"{address}/undo", {"revision": decided["revision"]})
    await crashing.sync()

    assert outcomes["counts"] == {"done": 1, "unchanged": 149}
    assert decided["replaced"]["revision"] == mapping["revision"]
    entered = [entry["details"].get("revision") for entry in await read_audit(crashing)]
    assert entered.count(decided["revision"]) == 1
    await assert_lines_match_providers(crashing)


def test_every_crash_point_has_its_test() -> None:
    tested = {where.split()[0] for where in [*READING, *(where for _, where in DECIDING), STORING, MAPPING]}

    assert tested == set(POINTS)
