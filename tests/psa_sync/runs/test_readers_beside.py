"""A write reads lines while a run does: the fresher reading counts, and what disagrees is collected again."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from psa import a_line, an_agreement
from psa_runs import PsaRunHarness, span_of
from run_env import a_change_publisher

from psa_sync.psa import PsaLine
from psa_sync.runs.observations import agreement_line_observed
from shared.contracts.psa_sync import AgreementLineObserved
from shared.mongo import Mongo
from shared.sync_engine.stamp import Stamp

ACME = "19297"


@pytest.fixture
async def harness(mongo: Mongo) -> PsaRunHarness:
    """Two runs have confirmed what there is."""
    harness = PsaRunHarness(mongo, calls_at_once=1)
    await harness.run()
    await harness.run()
    return harness


async def read_back(harness: PsaRunHarness, line: PsaLine) -> AgreementLineObserved:
    """Reads a line as the proof of a write does, with its agreement."""
    changes = a_change_publisher(harness.mongo, harness.publisher)
    revision = await changes.next_revision()
    stamp = Stamp("demo", "int_1", "write-appr_1", 1, revision, datetime.now(UTC))
    [observed] = await changes.publish([agreement_line_observed(line, stamp, read_back=True)], always=True)
    return observed


async def test_facts_that_were_listed_before_do_not_overrule_a_fresher_reading(
    harness: PsaRunHarness,
) -> None:
    cancelled = an_agreement("78", cancelled=True)

    async def cancel(call: str) -> None:
        if call == "agreements":
            harness.psa.listed_agreements[1] = cancelled
            await read_back(harness, a_line("911", "4", agreement=cancelled))

    harness.psa.as_listed = cancel

    await harness.run()

    newest = await newest_of(harness, "911")
    assert not newest.billable
    assert not [line for line in harness.published(AgreementLineObserved) if line.billable]
    assert {thing.id for thing in harness.manifests()[ACME].things} == {"901", "902"}
    assert not span_of(harness.manifests()[ACME]).is_empty


async def test_a_write_that_is_proven_before_the_run_reads_the_line_is_confirmed_by_it(
    harness: PsaRunHarness,
) -> None:
    written = list[AgreementLineObserved]()

    async def write(call: str) -> None:
        if call == "agreements":
            harness.psa.set_line("901", "20")
            written.append(await read_back(harness, harness.psa.held_lines["901"]))

    harness.psa.as_listed = write

    await harness.run()

    [proof] = written
    manifest = harness.manifests()[ACME]
    [thing] = [thing for thing in manifest.things if thing.id == "901"]
    assert thing.revision == proof.revision < thing.read_revision
    assert await harness.quantities(ACME) == {"901": 20, "902": Decimal("2.5"), "911": 4}
    assert not span_of(manifest).is_empty
    assert span_of(manifest).known_from > proof.revision


async def test_a_write_between_the_reading_of_a_line_and_its_storing_is_not_undone(
    harness: PsaRunHarness,
) -> None:
    written = list[AgreementLineObserved]()

    async def write(call: str) -> None:
        # The rows are read, with 8, and the answer has not arrived.
        if call == "lines 77" and not written:
            harness.psa.set_line("901", "20")
            written.append(await read_back(harness, harness.psa.held_lines["901"]))

    harness.psa.as_listed = write

    await harness.run()

    manifest = harness.manifests()[ACME]
    assert (await newest_of(harness, "901")).quantity == 20
    assert (await harness.quantities(ACME))["901"] == 20
    assert not span_of(manifest).is_empty
    assert span_of(manifest).known_from > written[0].revision


async def test_a_read_back_that_finds_the_same_is_named_and_costs_no_further_collect(
    harness: PsaRunHarness,
) -> None:
    proofs = list[AgreementLineObserved]()

    async def look(call: str) -> None:
        if call == "agreements":
            proofs.append(await read_back(harness, harness.psa.held_lines["901"]))

    harness.psa.as_listed = look

    await harness.run()

    [thing] = [thing for thing in harness.manifests()[ACME].things if thing.id == "901"]
    assert thing.revision == thing.read_revision == proofs[0].revision
    assert not span_of(harness.manifests()[ACME]).is_empty
    assert "agreements of 19297" not in harness.psa.calls


async def test_a_number_that_somebody_sets_back_after_our_write_is_stated_anew(
    harness: PsaRunHarness,
) -> None:
    before = harness.psa.held_lines["901"]
    proof = await read_back(harness, a_line("901", "20"))

    await harness.run()

    [thing] = [thing for thing in harness.manifests()[ACME].things if thing.id == "901"]
    assert thing.revision > proof.revision
    assert (await newest_of(harness, "901")).quantity == before.quantity != proof.quantity


async def test_a_line_that_a_write_finds_elsewhere_bounds_both_of_its_products(
    harness: PsaRunHarness,
) -> None:
    calls = iter(range(100))

    async def write(call: str) -> None:
        if call == "lines 77":
            other = replace(a_line("901", str(next(calls))), product_id="513")
            await read_back(harness, other)

    harness.psa.as_listed = write

    await harness.run()

    manifest = harness.manifests()[ACME]
    assert all(span_of(manifest, product).is_empty for product in ("512", "513"))


async def newest_of(harness: PsaRunHarness, line_id: str) -> AgreementLineObserved:
    rows = await harness.mongo.all_tenants("observations").find({"topic": AgreementLineObserved.topic})
    [line] = [row["body"] for row in rows if row["body"]["line_id"] == line_id]
    return AgreementLineObserved.model_validate(line)
