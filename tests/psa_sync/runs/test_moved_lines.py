"""Lines that end, move to another product or company, or vanish with their agreement or company."""

from dataclasses import replace
from decimal import Decimal

import pytest
from psa import a_line, an_agreement
from psa_runs import PsaRunHarness, span_of

from psa_sync.psa import Company
from shared.contracts.psa_sync import AgreementLineObserved
from shared.mongo import Mongo

ACME = "19297"
"""The company of all agreements of the fake PSA; no list of companies has it."""


@pytest.fixture
async def harness(mongo: Mongo) -> PsaRunHarness:
    return PsaRunHarness(mongo)


async def test_a_line_that_is_gone_is_named_no_more_and_its_end_is_counted(harness: PsaRunHarness) -> None:
    await harness.run()
    del harness.psa.held_lines["902"]

    await harness.run()

    manifest = harness.manifests()[ACME]
    assert {thing.id for thing in manifest.things} == {"901", "911"}
    assert span_of(manifest).ended == 1
    assert span_of(manifest).last_ended_at is not None
    assert not span_of(manifest).is_empty
    assert await harness.mongo.all_tenants("lines").count({"line_id": "902"}) == 0


async def test_a_line_of_another_product_now_bounds_both_products(harness: PsaRunHarness) -> None:
    await harness.run()
    before = harness.manifests()[ACME].revision
    harness.psa.held_lines["902"] = replace(harness.psa.held_lines["902"], product_id="513")

    await harness.run()

    manifest = harness.manifests()[ACME]
    assert all(not span_of(manifest, product).is_empty for product in ("512", "513"))
    assert all(span_of(manifest, product).known_from > before for product in ("512", "513"))


async def test_nothing_of_a_cancelled_agreement_is_named_and_it_is_read_again_when_it_is_active(
    harness: PsaRunHarness,
) -> None:
    await harness.run()
    harness.psa.listed_agreements[1] = an_agreement("78", cancelled=True)

    await harness.run()
    cancelled = harness.manifests()[ACME]
    await harness.run()
    harness.psa.listed_agreements[1] = an_agreement("78")
    skipped_calls = list(harness.psa.calls)
    await harness.run()

    assert {thing.id for thing in cancelled.things} == {"901", "902"}
    assert not span_of(cancelled).is_empty
    assert "lines 78" not in skipped_calls
    assert await harness.quantities(ACME) == {"901": 8, "902": Decimal("2.5"), "911": 4}
    assert not span_of(harness.manifests()[ACME]).is_empty


async def test_the_lines_of_an_agreement_that_moved_are_named_by_its_new_company_alone(
    harness: PsaRunHarness,
) -> None:
    await harness.run()
    harness.psa.listed_agreements[1] = moved = replace(an_agreement("78"), company_id="1")
    harness.psa.held_lines["911"] = a_line("911", "4", agreement=moved)

    await harness.run()

    things = {id_: {t.id for t in manifest.things} for id_, manifest in harness.manifests().items()}
    assert things == {ACME: {"901", "902"}, "1": {"911"}, "2": set()}
    assert [line.account_id for line in harness.published(AgreementLineObserved)] == ["1"]
    assert not span_of(harness.manifests()[ACME]).is_empty
    # Whole agreements are asked for, not each of their lines.
    assert not [call for call in harness.psa.calls if call.startswith("line ")]


async def test_a_company_that_vanished_with_its_lines_has_an_empty_manifest_once(
    harness: PsaRunHarness,
) -> None:
    harness.psa.listed_companies.append(Company("3", "Fabrikam", "Fabrikam"))
    other = replace(an_agreement("90"), company_id="3")
    harness.psa.listed_agreements.append(other)
    harness.psa.held_lines["950"] = a_line("950", "5", agreement=other)
    await harness.run()
    harness.psa.listed_companies.pop()
    harness.psa.listed_agreements.pop()
    del harness.psa.held_lines["950"]

    await harness.run()
    vanished = harness.manifests()
    await harness.run()

    assert (vanished["3"].things, span_of(vanished["3"]).ended) == ((), 1)
    assert not span_of(vanished["3"]).is_empty
    assert harness.manifests().keys() == {"1", "2", ACME}
