"""Only what the manifests of a run have changed is held against it."""

from datetime import timedelta
from typing import Any

import pytest
from billing_world import World
from fed_world import LINES, NUMBERS, a_fed_world, billed, bought, carry_out, held_runs, read_by
from observation_builders import PSA, VENDOR, a_line, a_mapping, a_subscription, an_integration

from shared.contracts.auth import IntegrationSettings, IntegrationStatus
from shared.contracts.matcher import MappingDecision
from shared.contracts.vendor_sync import SubscriptionStatus
from shared.mongo import Mongo

SECOND = 20_000
"""The revision of what the second run has read."""


async def write_proven(world: World, quantity: int) -> None:
    """Every line was written by us, and read back; no line has been calculated since."""
    await world.ingest(*billed(quantity, revision=15_000, run_id="write-1", read_back=True))


async def test_what_we_wrote_ourselves_is_no_swing_of_the_run_that_reads_it_next(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await write_proven(world, 0)

    await read_by(world, "run-2", *billed(0, revision=SECOND))

    assert await held_runs(world) == []
    assert {line.psa_count.number for line in await world.stored()} == {0}


async def test_what_somebody_else_has_written_since_is_a_swing(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await write_proven(world, 12)

    await read_by(world, "run-2", *billed(0, revision=SECOND))

    assert await held_runs(world) == ["run-2"]


async def map_elsewhere(world: World) -> None:
    """All services but one are mapped to one product."""
    await world.ingest(
        *[a_mapping("service", f"svc{n}", "prod12", revision=2) for n in NUMBERS if n != LINES]
    )


async def revoke(world: World) -> None:
    revoked: dict[str, Any] = {"revision": 2, "decision": MappingDecision.REVOKED}
    await world.ingest(*[a_mapping("service", f"svc{n}", f"prod{n}", **revoked) for n in NUMBERS])


@pytest.mark.parametrize("decide", [map_elsewhere, revoke])
async def test_what_people_map_while_a_run_reads_is_no_swing_of_the_run(mongo: Mongo, decide: Any) -> None:
    world = await a_fed_world(mongo)
    # One number changes, so that the run's manifest is not just the old one.
    await world.ingest(bought(11, 10, revision=SECOND))
    await world.ingest(*world.manifests_of(VENDOR, run_id="run-2"))

    await decide(world)
    await carry_out(world)
    await world.read(a_mapping("service", "svc1", "prod1", revision=3))
    await carry_out(world)

    assert await held_runs(world) == []


@pytest.mark.parametrize("mapped_first", [False, True])
async def test_an_account_that_is_mapped_or_unmapped_meanwhile_is_no_swing(
    mongo: Mongo, *, mapped_first: bool
) -> None:
    world = await a_fed_world(mongo)
    await read_by(world, "run-1", bought(10, revision=11, id_="sub2", account="beta"))
    if mapped_first:
        await world.ingest(a_mapping("account", "beta", "co1"))
        await carry_out(world)
    await world.ingest(bought(11, 10, revision=SECOND))
    await world.ingest(*world.manifests_of(VENDOR, run_id="run-2"))

    decision = MappingDecision.REVOKED if mapped_first else MappingDecision.APPROVED
    await world.ingest(a_mapping("account", "beta", "co1", revision=2, decision=decision))
    await carry_out(world)

    assert await held_runs(world) == []


async def test_a_setting_that_is_changed_is_no_swing_of_the_run(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    on_hold: dict[str, Any] = {"status": SubscriptionStatus.HOLD}
    await read_by(world, "run-2", bought(10, revision=SECOND, **on_hold))
    settings = IntegrationSettings(hold_billable=False)
    await world.ingest(bought(10, 11, revision=30_000, **on_hold))
    await world.ingest(*world.manifests_of(VENDOR, run_id="run-3"))

    await world.ingest(an_integration(VENDOR, revision=2, settings=settings))
    await carry_out(world)

    assert await held_runs(world) == []
    assert {line.vendor_count.number for line in await world.stored()} == {0}


async def test_an_account_that_has_become_stale_meanwhile_is_no_swing(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    world.advance(days=8)
    await carry_out(world)

    await read_by(world, "run-2", bought(11, 10, revision=SECOND))

    assert await held_runs(world) == []


async def test_a_marketplace_that_is_disconnected_meanwhile_is_no_swing(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await world.ingest(bought(11, 10, revision=SECOND))
    await world.ingest(*world.manifests_of(VENDOR, run_id="run-2"))

    await world.ingest(an_integration(VENDOR, revision=2, status=IntegrationStatus.DISCONNECTED))
    await carry_out(world)

    assert await held_runs(world) == []


async def test_lines_that_are_calculated_only_after_a_later_run_are_no_swing_of_that_run(
    mongo: Mongo,
) -> None:
    world = await a_fed_world(mongo)
    # The second run halves nothing; what a person maps is calculated only when the third run has been read.
    await revoke(world)
    await world.ingest(bought(10, 11, revision=SECOND))
    await world.ingest(*world.manifests_of(VENDOR, run_id="run-2"))
    await world.apply()
    await world.ingest(bought(10, 12, revision=30_000))
    await world.ingest(*world.manifests_of(VENDOR, run_id="run-3"))

    await carry_out(world)

    assert await held_runs(world) == []


async def test_what_the_run_itself_changes_is_a_swing_whatever_people_decide_meanwhile(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await world.ingest(bought(0, revision=SECOND))
    await world.ingest(*world.manifests_of(VENDOR, run_id="run-2"))

    await world.ingest(
        *[a_mapping("service", f"svc{n}", f"prod{n % LINES + 1}", revision=2) for n in NUMBERS]
    )
    settings = IntegrationSettings(freshness=timedelta(days=1))
    await world.ingest(an_integration(VENDOR, revision=2, settings=settings))
    await carry_out(world)

    assert await held_runs(world) == ["run-2"]


async def test_lines_that_are_gone_altogether_have_vanished(mongo: Mongo) -> None:
    """Of an account that is mapped to nothing no line is left when nothing is bought."""
    world = await a_fed_world(mongo)
    services = tuple(a_line(10, service=f"other{n}") for n in range(40))
    of_zed: dict[str, Any] = {"id_": "sub2", "account": "zed"}
    await read_by(world, "run-2", a_subscription(lines=services, revision=SECOND, **of_zed))

    await read_by(world, "run-3", a_subscription(present=False, revision=30_000, **of_zed))

    assert await held_runs(world) == ["run-3"]


async def test_a_customer_who_is_new_has_nothing_to_be_compared_with(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await world.ingest(a_mapping("account", "beta", "co1"))
    await carry_out(world)

    news = bought(100, revision=SECOND, id_="sub2", account="beta")
    await read_by(world, "run-2", news)

    assert await held_runs(world) == []
    assert {line.vendor_count.number for line in await world.stored()} == {110}


async def test_a_run_of_the_psa_is_not_held_for_what_the_vendor_changes(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await world.ingest(*billed(11, 10, revision=SECOND), bought(0, revision=SECOND))
    await world.ingest(*world.manifests_of(PSA, run_id="psa-2"))
    await world.ingest(*world.manifests_of(VENDOR, run_id="run-2"))

    await carry_out(world)

    assert await held_runs(world) == ["run-2"]
