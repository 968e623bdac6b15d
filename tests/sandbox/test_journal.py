"""The journal of calls and writes."""

from datetime import UTC, datetime

from sandboxes import Sandbox

from sandbox.journal import Journal, RecordedChange

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


async def test_every_provider_call_is_kept_with_what_was_asked_and_answered(sandbox: Sandbox) -> None:
    await sandbox.ingram.get("subscriptions?status=active&limit=1")

    call = (await sandbox.control("calls"))["calls"][-1]

    assert call.pop("ms") >= 0
    assert call == {
        "n": 2,
        "at": "2026-11-20T09:00:00Z",
        "provider": "ingram-micro",
        "method": "GET",
        "path": "/marketplace/na/subscriptions",
        "query": "status=active&limit=1",
        "status": 200,
    }


async def test_control_and_health_calls_are_not_the_providers(sandbox: Sandbox) -> None:
    await sandbox.http.get("/health/ready")
    await sandbox.control("state")

    assert (await sandbox.control("calls"))["counts"] == {"ingram-micro": 1, "connectwise": 0}


async def test_calls_can_be_asked_for_from_a_number_on_and_by_provider(sandbox: Sandbox) -> None:
    await sandbox.connectwise.get("company/companies")
    await sandbox.ingram.get("customers")

    later = (await sandbox.control("calls?after=1"))["calls"]
    psa = (await sandbox.control("calls?after=0&provider=connectwise"))["calls"]

    assert [call["n"] for call in later] == [2, 3]
    assert [call["n"] for call in psa] == [2]


async def test_a_refused_call_is_a_call_too(sandbox: Sandbox) -> None:
    await sandbox.connectwise.get("company/companies", auth=("a+b", "c"))

    assert (await sandbox.control("calls"))["calls"][-1]["status"] == 401


async def test_a_write_is_kept_with_before_and_after(sandbox: Sandbox) -> None:
    part = await sandbox.part("increase")
    await sandbox.connectwise.patch(
        await sandbox.line_path(), json=[{"op": "replace", "path": "quantity", "value": 99}]
    )

    writes = (await sandbox.control("writes"))["writes"]

    assert writes == [
        {
            "n": 1,
            "at": "2026-11-20T09:00:00Z",
            "method": "PATCH",
            "agreement_id": part["agreement_ids"][0],
            "line_id": part["addition_ids"][0],
            "field": "quantity",
            "before": part["psa_quantity"],
            "after": 99.0,
            "effective": True,
        }
    ]


def test_counts_stay_exact_when_old_calls_are_dropped() -> None:
    journal = Journal(calls_kept=3)

    for number in range(10):
        journal.record_call(NOON, provider="connectwise", request=("GET", f"/{number}", ""), status=200, ms=1)

    assert journal.counts["connectwise"] == journal.last == 10
    assert [call.n for call in journal.calls()] == [8, 9, 10]
    assert [call.n for call in journal.calls(after=9)] == [10]
    assert list(journal.calls(after=10)) == []


def test_a_write_of_several_fields_is_several_entries() -> None:
    journal = Journal()

    journal.record_write(
        NOON,
        "PATCH",
        line=(77, 901),
        changes=[RecordedChange("a", 1, 2), RecordedChange("b", 3, 4)],
        effective=True,
    )

    assert [(write.n, write.field) for write in journal.writes] == [(1, "a"), (2, "b")]
