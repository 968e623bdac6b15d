import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from psa import an_agreement
from psa_runs import PsaRunHarness

from psa_sync.psa import Listing
from shared.contracts.base import Outcome
from shared.contracts.psa_sync import (
    AgreementLineObserved,
    ProductObserved,
    PsaAccountObserved,
    PsaCredentialsRejected,
)
from shared.errors import CredentialsRejected as Refused
from shared.errors import NotFound, TransientError, UnexpectedResponse
from shared.mongo import Mongo

AWAY = TransientError("503 after every attempt")


@pytest.fixture
async def site(mongo: Mongo) -> PsaRunHarness:
    return PsaRunHarness(mongo)


async def test_a_first_run_publishes_all_that_there_is(site: PsaRunHarness) -> None:
    finished = await site.sync()

    assert (finished.outcome, finished.coverage, finished.reason) == (Outcome.COMPLETE, Decimal(1), None)
    assert finished.counts == {"companies": 2, "products": 2, "agreements": 2, "lines": 3}
    assert list(finished.published.values()) == [2, 2, 3]
    assert [len(site.published(model)) for model in (PsaAccountObserved, ProductObserved)] == [2, 2]


async def test_each_list_is_read_and_counted_once(site: PsaRunHarness) -> None:
    await site.sync()

    lists = [step for name in Listing for step in (name.value, f"count {name}")]
    assert site.psa.calls[:6] == lists
    assert sorted(site.psa.calls[6:]) == ["lines 77", "lines 78"]


async def test_a_second_run_of_the_same_publishes_nothing(site: PsaRunHarness) -> None:
    await site.sync()

    finished = await site.sync()

    assert site.kafka.messages == []
    assert (finished.outcome, set(finished.published.values())) == (Outcome.COMPLETE, {0})


async def test_only_what_differs_is_published(site: PsaRunHarness) -> None:
    await site.sync()
    site.psa.put("902", "3")
    site.psa.listed_products[1] = replace(site.psa.listed_products[1], name="Antivirus")

    finished = await site.sync()

    assert [line.quantity for line in site.published(AgreementLineObserved)] == [3]
    assert [product.name for product in site.published(ProductObserved)] == ["Antivirus"]
    assert sum(finished.published.values()) == 2


async def test_a_line_that_vanished_is_read_once_and_then_gone(site: PsaRunHarness) -> None:
    await site.sync()
    del site.psa.holds["902"]

    await site.sync()

    assert [(line.line_id, line.present) for line in site.published(AgreementLineObserved)] == [
        ("902", False)
    ]
    assert site.psa.calls.count("line 902") == 1
    await site.sync()
    assert "line 902" not in site.psa.calls


async def test_a_line_that_the_list_left_out_is_not_gone(site: PsaRunHarness) -> None:
    await site.sync()
    site.psa.unlisted = {"902"}
    site.psa.put("902", "7")

    await site.sync()

    (line,) = site.published(AgreementLineObserved)
    assert (line.line_id, line.present, line.quantity) == ("902", True, Decimal(7))


async def test_the_lines_of_a_deleted_agreement_are_gone(site: PsaRunHarness) -> None:
    await site.sync()
    del site.psa.listed_agreements[1], site.psa.holds["911"]

    await site.sync()

    assert [(line.line_id, line.present) for line in site.published(AgreementLineObserved)] == [
        ("911", False)
    ]


async def test_a_company_that_is_flagged_as_deleted_is_gone(site: PsaRunHarness) -> None:
    await site.sync()
    site.psa.listed_companies[1] = replace(site.psa.listed_companies[1], present=False)

    await site.sync()

    assert [(seen.account_id, seen.present) for seen in site.published(PsaAccountObserved)] == [("2", False)]


async def test_a_product_that_vanished_is_gone_and_may_come_back(site: PsaRunHarness) -> None:
    await site.sync()
    product = site.psa.listed_products.pop()

    await site.sync()
    gone = site.published(ProductObserved)
    site.psa.listed_products.append(product)
    await site.sync()

    assert [seen.present for seen in (*gone, *site.published(ProductObserved))] == [False, True]


async def test_an_agreement_that_was_cancelled_is_read_until_its_lines_say_so(site: PsaRunHarness) -> None:
    await site.sync()
    site.psa.listed_agreements[1] = an_agreement("78", cancelled=True)

    await site.sync()
    read_once = list(site.psa.calls)
    (line,) = site.published(AgreementLineObserved)
    finished = await site.sync()

    assert "lines 78" in read_once
    assert (line.line_id, line.present, line.billable) == ("911", True, False)
    assert not [call for call in site.psa.calls if "78" in call or "911" in call]
    assert finished.outcome is Outcome.COMPLETE


async def test_a_list_that_falls_short_is_read_once_more_and_then_partial(site: PsaRunHarness) -> None:
    await site.sync()
    site.psa.counts = {Listing.COMPANIES: 3}
    gone = site.psa.listed_companies.pop()

    finished = await site.sync()

    assert site.psa.calls.count("companies") == 2
    assert (finished.outcome, finished.reason) == (Outcome.PARTIAL, "1 of 3 companies could be listed")
    assert f"company {gone.company_id}" not in site.psa.calls
    assert site.published(PsaAccountObserved) == []


async def test_lines_are_not_gone_because_the_agreements_fell_short(site: PsaRunHarness) -> None:
    await site.sync()
    site.psa.counts = {Listing.AGREEMENTS: 2}
    del site.psa.listed_agreements[1]

    finished = await site.sync()

    assert finished.outcome is Outcome.PARTIAL
    assert site.published(AgreementLineObserved) == []
    assert "line 911" not in site.psa.calls


async def test_an_agreement_that_cannot_be_read_makes_the_run_partial(site: PsaRunHarness) -> None:
    site.psa.faults = {"lines 77": [UnexpectedResponse("no list")]}

    finished = await site.sync()

    assert (finished.outcome, finished.coverage, finished.reason) == (
        Outcome.PARTIAL,
        Decimal("0.5"),
        "no list",
    )
    assert [line.line_id for line in site.published(AgreementLineObserved)] == ["911"]


async def test_an_agreement_deleted_while_the_run_goes_on_is_no_trouble(site: PsaRunHarness) -> None:
    site.psa.faults = {"lines 77": [NotFound("404")]}

    finished = await site.sync()

    assert (finished.outcome, finished.coverage) == (Outcome.COMPLETE, Decimal(1))


async def test_refused_credentials_fail_the_run_and_are_told(site: PsaRunHarness) -> None:
    site.psa.faults = {"products": [Refused("401 not authenticated")]}

    finished = await site.sync()

    assert (finished.outcome, finished.coverage) == (Outcome.FAILED, Decimal(0))
    _, told = await site.said()
    assert isinstance(told, PsaCredentialsRejected)


async def test_a_psa_that_is_away_ends_the_run_as_partial(site: PsaRunHarness) -> None:
    site.psa.faults = {"companies": [AWAY]}

    finished = await site.sync()

    assert (finished.outcome, finished.coverage) == (Outcome.PARTIAL, Decimal(0))
    assert site.kafka.messages == []


async def test_a_psa_that_goes_away_is_not_asked_for_every_agreement(site: PsaRunHarness) -> None:
    site.psa.listed_agreements += [an_agreement(str(number)) for number in range(100, 120)]
    site.psa.faults = {f"lines {agreement.agreement_id}": [AWAY] for agreement in site.psa.listed_agreements}

    finished = await site.sync()

    assert finished.outcome is Outcome.PARTIAL
    assert len([call for call in site.psa.calls if call.startswith("lines")]) <= 6


async def test_a_run_put_down_goes_on_where_it_was(site: PsaRunHarness) -> None:
    site.psa.holding = "lines 78"
    await site.ask()
    stopped = site.worker()
    async with asyncio.TaskGroup() as group:
        group.create_task(stopped.step())
        await site.read("77")
        stopped.stop()

    site.psa.holding, site.psa.calls = "", []
    await site.worker().step()

    assert site.psa.calls == ["lines 78"]
    assert len(site.published(AgreementLineObserved)) == 3


async def test_the_run_leaves_the_outcome_to_billing(site: PsaRunHarness) -> None:
    await site.sync()

    assert site.board.told[-1].phase == "reconciling"
    assert {told.outcome for told in site.board.told} == {None}
