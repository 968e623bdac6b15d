"""The whole story in one process: from credentials to a proven write."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from in_process_system import EMAIL, PASSWORD, whole_system

from standalone.demo.client import DemoClient
from standalone.demo.story import DemoStory
from standalone.demo.verdict import judge

SEED = 11


@pytest.fixture(scope="module")
async def urls(mongo_url: str, redis_url: str) -> AsyncIterator[dict[str, str]]:
    async with whole_system(mongo_url, redis_url, SEED) as addresses:
        yield addresses


@pytest.fixture(scope="module")
async def desk(urls: dict[str, str]) -> AsyncIterator[DemoClient]:
    async with DemoClient(urls) as person:
        await person.sign_in(EMAIL, PASSWORD)
        yield person


@pytest.fixture
async def control(urls: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{urls['sandbox']}/_sandbox", trust_env=False) as client:
        yield client


async def rows(control: httpx.AsyncClient, what: str) -> Any:
    return (await control.get(f"/{what}")).raise_for_status().json()


async def shown_towns(desk: DemoClient, side: str) -> dict[str, str | None]:
    """Returns the town that the matcher shows of each account of one side."""
    accounts = (await desk.request("GET", "matcher", f"/accounts?side={side}&limit=500"))["accounts"]
    return {account["id"]: account["town"] for account in accounts}


async def test_the_story_ends_as_its_inputs_say(desk: DemoClient, control: httpx.AsyncClient) -> None:
    story = DemoStory(desk, await rows(control, "scenario"))

    await story.connect(await rows(control, "credentials"))
    generated = await story.wait_for_discovery()
    known = await rows(control, "state")
    customers, companies = known["ingram-micro"]["customers"], known["connectwise"]["companies"]
    assert await shown_towns(desk, "vendor") == {row["id"]: row["address"]["city"] for row in customers}
    assert await shown_towns(desk, "psa") == {
        str(row["id"]): row["city"] for row in companies if not row["deletedFlag"]
    }
    mapped = await story.count_mappings()
    await story.map_manually()
    (await control.post("/month-passes")).raise_for_status()
    outcomes = await desk.wait_for_sync({story.vendor_id, story.psa_id}, await story.finish_mapping())
    await story.review()
    refused = await story.attempt_refused_approvals()
    before = await rows(control, "additions")
    await story.approve_differences()

    accounts = [account["how"] for account in story.scenario["accounts"]]
    assert mapped["account approved exact"] == accounts.count("exact") > 0
    assert set(outcomes.values()) == {"complete"}
    assert all(count > 0 for count in generated.values())
    assert [part for part, _ in refused] == ["without_quantity", "ambiguous"]
    writes = (await rows(control, "writes"))["writes"]
    verdict = judge(story.approved, before, await rows(control, "additions"), writes)
    assert (verdict.written, verdict.faults) == (4, ())
