import asyncio
from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from structlog.testing import capture_logs

from shared import limits
from shared.runtime.health import Health

OVERDUE, HOUR = timedelta(seconds=-1), timedelta(hours=1)


async def answered() -> None:
    await asyncio.sleep(0)


async def refused() -> None:
    raise OSError("no answer")


async def get(health: Health, path: str) -> Response:
    app = FastAPI()
    app.include_router(health.router())
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        return await client.get(path)


async def test_a_part_whose_heartbeat_is_late_makes_the_process_count_as_dead() -> None:
    health = Health("billing")
    health.expect_heartbeats("relay", HOUR)
    health.expect_heartbeats("reconciler", OVERDUE)

    assert health.stalled() == ["reconciler"]
    assert await health.unready() == ["reconciler"]

    health.expect_no_more_heartbeats("reconciler")
    assert health.stalled() == []


async def test_a_part_may_be_idle_for_as_long_as_it_likes_after_its_work() -> None:
    health = Health("billing")

    with health.time_limit("consumer", OVERDUE):
        assert health.stalled() == ["consumer"]

    assert health.stalled() == []


async def test_work_that_fails_ends_its_time_limit_too() -> None:
    health = Health("billing")

    with pytest.raises(OSError, match="no"), health.time_limit("consumer", OVERDUE):
        raise OSError("no")

    assert health.stalled() == []


async def test_a_loop_that_ended_makes_the_process_count_as_dead() -> None:
    health, alive = Health("billing"), [True]
    health.add_liveness_check("consume", lambda: alive[0])
    assert health.stalled() == []

    alive[0] = False

    assert health.stalled() == ["consume"]


async def test_a_store_that_is_away_makes_the_service_unready_but_not_dead() -> None:
    health = Health("billing")
    health.add_readiness_probe("document store", refused)
    health.add_readiness_probe("redis", answered)

    assert await health.unready() == ["document store"]
    assert health.stalled() == []


async def test_health_is_answered_with_the_names_of_the_parts_at_fault() -> None:
    health = Health("billing")
    health.add_readiness_probe("document store", refused)

    live, ready = await get(health, "/health/live"), await get(health, "/health/ready")

    assert (live.status_code, live.json()) == (200, {"service": "billing", "ok": True, "faults": []})
    assert (ready.status_code, ready.json()["faults"]) == (503, ["document store"])


async def test_a_degraded_service_stays_ready_and_names_the_part() -> None:
    health = Health("billing")
    sentences: list[str | None] = [None]
    health.add_degradation_check("paused partitions", lambda: sentences[0])

    before = await get(health, "/health/ready")
    sentences[0] = "vendor-sync.x:2 paused by ann (acme sends nonsense)"
    after = await get(health, "/health/ready")

    assert before.json()["degraded"] == []
    assert (after.status_code, after.json()["ok"]) == (200, True)
    assert after.json()["degraded"] == ["paused partitions"]
    assert "ann" not in after.text
    assert "acme" not in after.text


async def test_the_log_says_why_a_service_is_degraded_once_each_time_that_changes() -> None:
    health = Health("billing")
    sentences: list[str | None] = [None]
    health.add_degradation_check("paused partitions", lambda: sentences[0])

    with capture_logs() as logs:
        for sentence in (None, "by ann", "by ann", "by bob", None, None, "by bob"):
            sentences[0] = sentence
            await get(health, "/health/ready")

    assert [(entry["event"], entry["part"], entry.get("why")) for entry in logs] == [
        ("service_degraded", "paused partitions", "by ann"),
        ("service_degraded", "paused partitions", "by bob"),
        ("service_degraded_no_more", "paused partitions", None),
        ("service_degraded", "paused partitions", "by bob"),
    ]


async def test_many_who_ask_at_once_and_within_a_second_have_each_store_asked_once() -> None:
    health, asked, go_on = Health("billing"), list[str](), asyncio.Event()

    async def probe() -> None:
        asked.append("asked")
        await go_on.wait()
        raise OSError("no answer")

    health.add_readiness_probe("document store", probe)
    many = [asyncio.create_task(health.unready()) for _ in range(50)]
    async with asyncio.timeout(30):
        while not asked:
            await asyncio.sleep(0)
    many[0].cancel()
    go_on.set()

    assert await asyncio.gather(*many[1:]) == [["document store"]] * 49
    assert await health.unready() == ["document store"]
    assert asked == ["asked"]


async def test_a_store_that_answers_again_makes_the_service_ready_again() -> None:
    health, away = Health("billing"), [True]

    async def probe() -> None:
        if away[0]:
            raise OSError("no answer")

    health.add_readiness_probe("document store", probe)
    assert await health.unready() == ["document store"]
    away[0] = False

    async with asyncio.timeout(30):
        while await health.unready():
            await asyncio.sleep(0.05)


async def test_a_limit_that_was_hit_is_counted_by_name_in_the_report() -> None:
    health, limit = (
        Health("billing"),
        limits.Limit("test-things", 3, "things", "the things of a test", "refused"),
    )
    already = limits.hits().get("test-things", 0)

    limits.record_hit(limit)

    assert (await get(health, "/health/ready")).json()["limits"]["test-things"] == already + 1
