"""Lists that fall short, hold odd rows, or leave out what was there."""

from dataclasses import replace

import pytest
from psa_runs import PsaRunHarness

from psa_sync.psa import Listing, UnreadableRow
from shared.contracts.base import Outcome
from shared.contracts.manifest import ListingExtent
from shared.contracts.psa_sync import (
    AgreementLineObserved,
    ProductObserved,
    PsaAccountObserved,
)
from shared.errors import TransientError, UnexpectedResponse
from shared.mongo import Mongo

AWAY = TransientError("503 after every attempt")


@pytest.fixture
async def harness(mongo: Mongo) -> PsaRunHarness:
    return PsaRunHarness(mongo)


async def test_a_company_that_is_flagged_as_deleted_is_absent(harness: PsaRunHarness) -> None:
    await harness.run()
    harness.psa.listed_companies[1] = replace(harness.psa.listed_companies[1], present=False)

    await harness.run()

    assert [(account.account_id, account.present) for account in harness.published(PsaAccountObserved)] == [
        ("2", False)
    ]


async def test_a_product_that_vanished_is_absent_and_may_come_back(harness: PsaRunHarness) -> None:
    await harness.run()
    product = harness.psa.listed_products.pop()

    await harness.run()
    absent = harness.published(ProductObserved)
    harness.psa.listed_products.append(product)
    await harness.run()

    back = harness.published(ProductObserved)
    assert [product.present for product in (*absent, *back)] == [False, True]


async def test_a_list_that_falls_short_is_read_once_more_and_then_partial(harness: PsaRunHarness) -> None:
    await harness.run()
    harness.psa.counts = {Listing.COMPANIES: 3}
    unlisted = harness.psa.listed_companies.pop()

    finished = await harness.run()

    assert harness.psa.calls.count("companies") == 2
    assert (finished.outcome, finished.reason) == (Outcome.PARTIAL, "1 of 3 companies could be listed")
    assert f"company {unlisted.company_id}" not in harness.psa.calls
    assert harness.published(PsaAccountObserved) == []


async def test_a_row_that_cannot_be_understood_is_named_and_makes_nothing_absent(
    harness: PsaRunHarness,
) -> None:
    await harness.run()
    odd = harness.psa.listed_companies.pop()
    harness.psa.odd_rows = {"companies": [UnreadableRow(odd.company_id, "company 2 cannot be read")]}

    finished = await harness.run()

    assert (finished.outcome, finished.reason) == (Outcome.COMPLETE, None)
    assert finished.exceptions == ("company 2 cannot be read",)
    assert harness.published(PsaAccountObserved) == []
    assert "company 2" not in harness.psa.calls
    assert harness.psa.calls.count("companies") == 1


async def test_what_vanished_behind_a_row_without_an_id_is_named_when_it_cannot_be_read(
    harness: PsaRunHarness,
) -> None:
    await harness.run()
    harness.psa.listed_companies.pop()
    harness.psa.odd_rows = {"companies": [UnreadableRow("", "a company cannot be read")]}
    harness.psa.faults = {"company 2": [UnexpectedResponse("company 2 has no name")]}

    finished = await harness.run()

    assert finished.outcome is Outcome.COMPLETE
    assert finished.exceptions == (
        "a company cannot be read",
        "2 of the companies: company 2 has no name",
    )
    assert harness.published(PsaAccountObserved) == []


async def test_lines_are_not_absent_because_the_agreements_fell_short(harness: PsaRunHarness) -> None:
    await harness.run()
    harness.psa.unlisted_agreements = {"78"}

    finished = await harness.run()

    assert (finished.outcome, finished.reason) == (Outcome.PARTIAL, "1 of 2 agreements could be listed")
    assert harness.published(AgreementLineObserved) == []
    # Its company's list alone has the agreement, so what is known of this company is whole.
    manifest = harness.manifests()["19297"]
    assert {thing.id for thing in manifest.things} == {"901", "902", "911"}
    assert (manifest.listing, harness.manifests()["1"].listing) == (ListingExtent.WHOLE, ListingExtent.SHORT)
    assert harness.psa.calls.count("agreements of 19297") == 1
    assert not [call for call in harness.psa.calls if call.startswith("line ")]
