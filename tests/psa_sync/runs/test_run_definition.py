from dataclasses import replace
from decimal import Decimal

import pytest
from psa import FakePsa, an_agreement
from psa_runs import PsaRunHarness

from psa_sync.psa import Listing
from shared.contracts.base import Outcome
from shared.contracts.psa_sync import (
    AgreementLineObserved,
    ProductObserved,
    PsaAccountObserved,
    PsaAccountRead,
    PsaCredentialsRejected,
)
from shared.errors import CredentialsRejected as Refused
from shared.errors import NotFound, TransientError, UnexpectedResponse
from shared.mongo import Mongo

AWAY = TransientError("503 after every attempt")


@pytest.fixture
async def harness(mongo: Mongo) -> PsaRunHarness:
    return PsaRunHarness(mongo)


async def test_a_first_run_publishes_all_that_there_is(harness: PsaRunHarness) -> None:
    finished = await harness.run()

    assert (finished.outcome, finished.coverage, finished.reason) == (Outcome.COMPLETE, Decimal(1), None)
    assert finished.counts == {"companies": 2, "products": 2, "agreements": 2, "lines": 3}
    kinds = (PsaAccountObserved, ProductObserved, AgreementLineObserved)
    assert [len(harness.published(model)) for model in kinds] == [2, 2, 3]
    assert finished.manifests == len(harness.manifests()) == 3
    stated = [(checksum.topic, checksum.things) for checksum in finished.checksums]
    assert stated == [(PsaAccountObserved.topic, 2), (ProductObserved.topic, 2)]


async def test_each_list_is_read_and_counted_once(harness: PsaRunHarness) -> None:
    await harness.run()

    lists = [step for name in Listing for step in (name.value, f"count {name}")]
    assert harness.psa.calls[:6] == lists
    assert sorted(harness.psa.calls[6:]) == ["lines 77", "lines 78"]


async def test_a_second_run_of_the_same_publishes_a_manifest_for_each_company_and_nothing_else(
    harness: PsaRunHarness,
) -> None:
    await harness.run()
    calls = list(harness.psa.calls)

    finished = await harness.run()

    assert harness.observations() == []
    assert sorted(m.account_id for m in harness.published(PsaAccountRead)) == ["1", "19297", "2"]
    assert sorted(harness.psa.calls) == sorted(calls)
    assert (finished.outcome, finished.manifests) == (Outcome.COMPLETE, 3)


async def test_only_what_differs_is_published(harness: PsaRunHarness) -> None:
    await harness.run()
    harness.psa.set_line("902", "3")
    harness.psa.listed_products[1] = replace(harness.psa.listed_products[1], name="Antivirus")

    await harness.run()

    assert [line.quantity for line in harness.published(AgreementLineObserved)] == [3]
    assert [product.name for product in harness.published(ProductObserved)] == ["Antivirus"]
    assert len(harness.observations()) == 2


async def test_a_line_that_vanished_is_read_once_and_then_absent(harness: PsaRunHarness) -> None:
    await harness.run()
    del harness.psa.held_lines["902"]

    await harness.run()

    assert [(line.line_id, line.present) for line in harness.published(AgreementLineObserved)] == [
        ("902", False)
    ]
    assert harness.psa.calls.count("line 902") == 1
    await harness.run()
    assert "line 902" not in harness.psa.calls


async def test_a_line_that_the_list_left_out_is_not_absent(harness: PsaRunHarness) -> None:
    await harness.run()
    harness.psa.unlisted = {"902"}
    harness.psa.set_line("902", "7")

    await harness.run()

    (line,) = harness.published(AgreementLineObserved)
    assert (line.line_id, line.present, line.quantity) == ("902", True, Decimal(7))


async def test_the_lines_of_a_deleted_agreement_are_absent(harness: PsaRunHarness) -> None:
    await harness.run()
    del harness.psa.listed_agreements[1], harness.psa.held_lines["911"]

    await harness.run()

    assert [(line.line_id, line.present) for line in harness.published(AgreementLineObserved)] == [
        ("911", False)
    ]


async def test_an_agreement_that_was_cancelled_is_read_until_its_lines_say_so(harness: PsaRunHarness) -> None:
    await harness.run()
    harness.psa.listed_agreements[1] = an_agreement("78", cancelled=True)

    await harness.run()
    read_once = list(harness.psa.calls)
    (line,) = harness.published(AgreementLineObserved)
    finished = await harness.run()

    assert "lines 78" in read_once
    assert (line.line_id, line.present, line.billable) == ("911", True, False)
    assert not [call for call in harness.psa.calls if "78" in call or "911" in call]
    assert finished.outcome is Outcome.COMPLETE


async def test_an_agreement_that_cannot_be_read_is_named_and_spoils_no_other(harness: PsaRunHarness) -> None:
    harness.psa.faults = {"lines 77": [UnexpectedResponse("no list")]}

    finished = await harness.run()

    assert (finished.outcome, finished.coverage, finished.reason) == (
        Outcome.COMPLETE,
        Decimal("0.5"),
        None,
    )
    assert finished.exceptions == ("agreement 77: no list",)
    assert [line.line_id for line in harness.published(AgreementLineObserved)] == ["911"]


async def test_an_agreement_deleted_while_the_run_goes_on_is_no_trouble(harness: PsaRunHarness) -> None:
    await harness.run()
    harness.psa.faults = {"lines 77": [NotFound("404")]}

    def delete(psa: FakePsa, call: str) -> None:
        if call == "lines 77":
            psa.listed_agreements = [a for a in psa.listed_agreements if a.agreement_id != "77"]
            del psa.held_lines["901"], psa.held_lines["902"]

    harness.psa.before_call = delete

    finished = await harness.run()

    assert (finished.outcome, finished.coverage, finished.exceptions) == (Outcome.COMPLETE, Decimal(1), ())
    absent = [line.line_id for line in harness.published(AgreementLineObserved) if not line.present]
    assert sorted(absent) == ["901", "902"]
    assert [thing.id for thing in harness.manifests()["19297"].things] == ["911"]


async def test_refused_credentials_fail_the_run_and_are_reported(harness: PsaRunHarness) -> None:
    harness.psa.faults = {"products": [Refused("401 not authenticated")]}

    finished = await harness.run()

    assert (finished.outcome, finished.coverage) == (Outcome.FAILED, Decimal(0))
    _, rejected = await harness.outbox_messages()
    assert isinstance(rejected, PsaCredentialsRejected)


async def test_a_psa_that_is_away_ends_the_run_as_partial(harness: PsaRunHarness) -> None:
    harness.psa.faults = {"companies": [AWAY]}

    finished = await harness.run()

    assert (finished.outcome, finished.coverage) == (Outcome.PARTIAL, Decimal(0))
    assert harness.publisher.messages == []


async def test_a_psa_that_goes_away_is_not_asked_for_every_agreement(harness: PsaRunHarness) -> None:
    harness.psa.listed_agreements += [an_agreement(str(number)) for number in range(100, 120)]
    harness.psa.faults = {
        f"lines {agreement.agreement_id}": [AWAY] for agreement in harness.psa.listed_agreements
    }

    finished = await harness.run()

    assert finished.outcome is Outcome.PARTIAL
    assert len([call for call in harness.psa.calls if call.startswith("lines")]) <= 6


async def test_the_run_leaves_the_outcome_to_billing(harness: PsaRunHarness) -> None:
    await harness.run()

    assert harness.status_channel.reports[-1].phase == "reconciling"
    assert {report.outcome for report in harness.status_channel.reports} == {None}
