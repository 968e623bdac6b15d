"""Every billable open agreement line of a mapped product is in exactly one usage line, whatever happens."""

from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from billing_world import World, a_mapped_world, a_world
from observation_builders import (
    PSA,
    VENDOR,
    a_mapping,
    a_product,
    a_psa_account,
    a_subscription,
    an_agreement_line,
    an_integration,
)
from usage_builders import the_lines

from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Side
from shared.contracts.matcher import MappingDecision
from shared.contracts.psa_sync import AgreementLineObserved
from shared.mongo import Mongo

OTHER_VENDOR, OTHER_PSA = "int_vendor_2", "int_psa_2"


async def shown(world: World) -> dict[str, int]:
    """In how many usage lines each agreement line is."""
    await world.settle()
    return dict(Counter(billed.line_id for line in await world.stored() for billed in line.evidence.billed))


async def a_billed_world(mongo: Mongo, *lines: AgreementLineObserved) -> World:
    """Acme is mapped to co1 and svc1 to prod1; add1 bills co1, and these lines others."""
    return await a_mapped_world(mongo, a_subscription(5), an_agreement_line(5), *lines)


async def test_a_company_without_any_vendor_account(mongo: Mongo) -> None:
    world = await a_billed_world(mongo, an_agreement_line(2, id_="add2", account="co2"))

    assert await shown(world) == {"add1": 1, "add2": 1}


async def test_a_company_that_the_accounts_topic_never_named(mongo: Mongo) -> None:
    """Of these two only co2 was observed as an account: a line needs no name."""
    world = await a_billed_world(mongo, an_agreement_line(2, id_="add2", account="co2"))

    await world.ingest(a_psa_account("co2", active=False))

    assert await shown(world) == {"add1": 1, "add2": 1}


async def test_a_company_that_the_psa_calls_deleted(mongo: Mongo) -> None:
    world = await a_billed_world(mongo, an_agreement_line(2, id_="add2", account="co2"))

    await world.ingest(a_psa_account("co2", present=False), a_product("prod1", present=False))

    assert await shown(world) == {"add1": 1, "add2": 1}


async def test_a_company_whose_mapping_was_revoked(mongo: Mongo) -> None:
    world = await a_billed_world(mongo)

    await world.ingest(a_mapping("account", "acme", "co1", revision=2, decision=MappingDecision.REVOKED))

    assert await shown(world) == {"add1": 1}


async def test_a_company_whose_vendor_account_is_excluded(mongo: Mongo) -> None:
    world = await a_billed_world(mongo)

    await world.ingest(a_mapping("account", "acme", None, revision=2))

    assert await shown(world) == {"add1": 1}


async def test_a_company_whose_vendor_account_is_mapped_to_another_one(mongo: Mongo) -> None:
    world = await a_billed_world(mongo, an_agreement_line(2, id_="add2", account="co2"))

    await world.ingest(a_mapping("account", "acme", "co2", revision=2))

    assert await shown(world) == {"add1": 1, "add2": 1}


async def test_a_company_whose_vendor_account_is_mapped_into_another_psa(mongo: Mongo) -> None:
    world = await a_billed_world(mongo)

    await world.ingest(a_mapping("account", "acme", "co9", revision=2, psa_integration_id=OTHER_PSA))

    assert await shown(world) == {"add1": 1}


async def test_a_product_that_only_another_marketplace_sells(mongo: Mongo) -> None:
    world = await a_billed_world(mongo, an_agreement_line(2, id_="add2", product_id="prod2"))

    await world.ingest(a_mapping("service", "svc2", "prod2", vendor_integration_id=OTHER_VENDOR))

    assert await shown(world) == {"add1": 1, "add2": 1}


async def test_a_product_that_is_mapped_after_its_lines_were_read(mongo: Mongo) -> None:
    lines = [an_agreement_line(2, id_=f"add{n}", account=f"co{n}", product_id="prod2") for n in (2, 3)]
    world = await a_billed_world(mongo, *lines)
    assert await shown(world) == {"add1": 1}

    await world.ingest(a_mapping("service", "svc2", "prod2"))

    assert await shown(world) == {"add1": 1, "add2": 1, "add3": 1}


async def test_a_product_that_is_mapped_while_a_later_reading_of_its_line_names_another(mongo: Mongo) -> None:
    """The manifest that is applied names the line as of prod2: this counts, not what is still arriving."""
    world = await a_billed_world(mongo, an_agreement_line(2, id_="add2", account="co2", product_id="prod2"))
    arriving = an_agreement_line(2, id_="add2", account="co2", product_id="prod3", revision=20_000)
    await world.ingest(arriving)

    await world.ingest(a_mapping("service", "svc2", "prod2"))

    assert await shown(world) == {"add1": 1, "add2": 1}


async def test_a_product_that_is_mapped_while_a_later_reading_of_its_line_names_another_company(
    mongo: Mongo,
) -> None:
    world = await a_billed_world(mongo, an_agreement_line(2, id_="add2", account="co2", product_id="prod2"))
    arriving = an_agreement_line(2, id_="add2", account="co3", product_id="prod2", revision=20_000)
    await world.ingest(arriving)

    await world.ingest(a_mapping("service", "svc2", "prod2"))

    assert await shown(world) == {"add1": 1, "add2": 1}


async def test_a_product_that_one_of_two_services_leaves(mongo: Mongo) -> None:
    world = await a_billed_world(mongo, an_agreement_line(2, id_="add2", account="co2"))
    await world.ingest(a_mapping("service", "svc2", "prod1"))
    await world.settle()

    await world.ingest(a_mapping("service", "svc1", "prod1", revision=2, decision=MappingDecision.REVOKED))

    assert await shown(world) == {"add1": 1, "add2": 1}


async def test_a_marketplace_that_is_pending_or_left(mongo: Mongo) -> None:
    world = await a_billed_world(mongo, an_agreement_line(2, id_="add2", account="co2"))

    for revision, status in enumerate((IntegrationStatus.PENDING, IntegrationStatus.DISCONNECTED), 2):
        await world.ingest(an_integration(VENDOR, status=status, revision=revision))
        assert await shown(world) == {"add1": 1, "add2": 1}


async def test_a_psa_that_is_pending_or_left(mongo: Mongo) -> None:
    world = await a_billed_world(mongo, an_agreement_line(2, id_="add2", account="co2"))

    statuses = (IntegrationStatus.PENDING, IntegrationStatus.ERROR, IntegrationStatus.DISCONNECTED)
    for revision, status in enumerate(statuses, 2):
        await world.ingest(an_integration(PSA, status=status, side=Side.PSA, revision=revision))
        assert await shown(world) == {"add1": 1, "add2": 1}


async def test_a_psa_that_is_pending_from_the_first(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.ingest(an_integration(PSA, status=IntegrationStatus.PENDING, side=Side.PSA))
    await world.ingest(a_mapping("service", "svc1", "prod1"))

    await world.read(an_agreement_line(2))

    assert await shown(world) == {"add1": 1}


async def test_lines_that_end_or_begin_some_day(mongo: Mongo) -> None:
    """It is 10 March: `ends_on` is the first day that is not billed any more."""
    lines = [
        an_agreement_line(1, id_="ends-tomorrow", account="co2", ends_on=date(2026, 3, 11)),
        an_agreement_line(1, id_="ended-today", account="co3", ends_on=date(2026, 3, 10)),
        an_agreement_line(1, id_="began-today", account="co4", starts_on=date(2026, 3, 10)),
        an_agreement_line(1, id_="begins-tomorrow", account="co5", starts_on=date(2026, 3, 11)),
        an_agreement_line(1, id_="without-days", account="co6", starts_on=None),
        an_agreement_line(1, id_="not-billable", account="co7", billable=False),
        an_agreement_line(None, id_="without-quantity", account="co8"),
    ]
    world = await a_billed_world(mongo, *lines)

    open_lines = ("add1", "ends-tomorrow", "began-today", "without-days", "without-quantity")
    assert await shown(world) == dict.fromkeys(open_lines, 1)


@pytest.mark.parametrize(
    ("time_zone", "open_until"),
    [
        ("UTC", "2026-03-11T00:00Z"),
        ("America/New_York", "2026-03-11T04:00Z"),
        ("Pacific/Auckland", "2026-03-10T11:00Z"),
    ],
)
def test_a_line_is_open_through_its_last_day_of_the_tenants_own(time_zone: str, open_until: str) -> None:
    """Its last day is 10 March."""
    line, midnight = an_agreement_line(2, ends_on=date(2026, 3, 11)), datetime.fromisoformat(open_until)

    [before] = the_lines(line, now=midnight - timedelta(milliseconds=1), time_zone=time_zone)

    assert [billed.line_id for billed in before.evidence.billed] == ["add1"]
    assert before.recheck_at == midnight
    assert the_lines(line, now=midnight, time_zone=time_zone) == []
