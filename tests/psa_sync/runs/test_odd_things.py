"""One thing that cannot be read is named, keeps its last number, and changes nothing of any other thing."""

from dataclasses import replace
from decimal import Decimal

import pytest
from psa import FakePsa, a_line, an_agreement
from psa_runs import PsaRunHarness, a_psa, span_of

from psa_sync.psa import UnreadableRow
from shared.contracts.base import Outcome
from shared.contracts.psa_sync import AgreementLineObserved
from shared.errors import NotFound, PermanentError
from shared.mongo import Mongo

ACME = "19297"
FORBIDDEN = PermanentError("403 forbidden", status=403)


@pytest.fixture
async def harness(mongo: Mongo) -> PsaRunHarness:
    return PsaRunHarness(mongo)


def unreadable(harness: PsaRunHarness, company_id: str = ACME) -> dict[str, str]:
    return {thing.id: thing.reason for thing in harness.manifests()[company_id].unreadable}


def make_odd(psa: FakePsa, line_id: str) -> None:
    """Lets a line's row be listed as one that cannot be understood."""
    agreement_id = psa.held_lines[line_id].agreement.agreement_id
    psa.odd_rows[f"lines {agreement_id}"] = [UnreadableRow(line_id, f"addition {line_id} is odd")]
    psa.unlisted.add(line_id)


async def test_a_row_that_cannot_be_understood_keeps_its_last_reading_and_spoils_no_other(
    harness: PsaRunHarness,
) -> None:
    await harness.run()
    before = {thing.id: thing for thing in harness.manifests()[ACME].things}
    make_odd(harness.psa, "902")
    harness.psa.set_line("901", "9")

    finished = await harness.run()

    things = {thing.id: thing for thing in harness.manifests()[ACME].things}
    assert things["902"] == before["902"]
    assert things["901"].read_revision > before["901"].read_revision
    assert await harness.quantities(ACME) == {"901": 9, "902": Decimal("2.5"), "911": 4}
    assert unreadable(harness) == {"902": "addition 902 is odd"}
    assert (finished.outcome, finished.coverage) == (Outcome.COMPLETE, Decimal(1))
    assert finished.exceptions == ("line 902 of agreement 77: addition 902 is odd",)
    assert "line 902" not in harness.psa.calls


async def test_a_row_that_was_never_understood_is_named_and_has_no_number(harness: PsaRunHarness) -> None:
    make_odd(harness.psa, "902")

    await harness.run()
    await harness.run()

    assert unreadable(harness) == {"902": "addition 902 is odd"}
    assert set(await harness.quantities(ACME)) == {"901", "911"}
    assert not span_of(harness.manifests()[ACME]).is_empty

    harness.psa.odd_rows, harness.psa.unlisted = {}, set()
    await harness.run()

    assert unreadable(harness) == {}
    assert set(await harness.quantities(ACME)) == {"901", "902", "911"}


async def test_the_product_of_a_row_that_was_never_understood_is_named_where_it_can_be_read(
    harness: PsaRunHarness,
) -> None:
    harness.psa.odd_rows = {"lines 77": [UnreadableRow("902", "902 is odd", product_id="513")]}
    harness.psa.unlisted = {"902"}

    await harness.run()

    assert [(thing.id, thing.item_id) for thing in harness.manifests()[ACME].unreadable] == [("902", "513")]


async def test_a_row_without_an_id_leaves_its_agreement_in_question(harness: PsaRunHarness) -> None:
    await harness.run()
    harness.psa.odd_rows = {"lines 77": [UnreadableRow("", "an addition without id is odd")]}
    harness.psa.unlisted = {"902"}
    harness.psa.faults = {"line 902": [PermanentError("902 is odd")]}

    finished = await harness.run()

    assert unreadable(harness) == {"902": "902 is odd", "agreement-77": "an addition without id is odd"}
    assert await harness.quantities(ACME) == {"901": 8, "902": Decimal("2.5"), "911": 4}
    assert finished.outcome is Outcome.COMPLETE


@pytest.mark.parametrize("fault", [FORBIDDEN, NotFound("404", status=404)])
async def test_the_lines_of_an_agreement_that_cannot_be_read_keep_their_last_reading(
    harness: PsaRunHarness, fault: PermanentError
) -> None:
    await harness.run()
    before = {thing.id: thing for thing in harness.manifests()[ACME].things}
    harness.psa.faults = {"lines 77": [fault]}

    finished = await harness.run()

    things = {thing.id: thing for thing in harness.manifests()[ACME].things}
    assert [things[id_] for id_ in ("901", "902")] == [before[id_] for id_ in ("901", "902")]
    assert things["911"].read_revision > before["911"].read_revision
    assert unreadable(harness) == {"901": str(fault), "902": str(fault)}
    assert (finished.outcome, finished.reason) == (Outcome.COMPLETE, None)
    assert finished.exceptions == (f"agreement 77: {fault}",)
    assert harness.published(AgreementLineObserved) == []


async def test_an_agreement_that_was_never_read_is_named_itself(harness: PsaRunHarness) -> None:
    harness.psa.faults = {"lines 77": [FORBIDDEN]}

    await harness.run()

    assert unreadable(harness) == {"agreement-77": "403 forbidden"}
    assert set(await harness.quantities(ACME)) == {"911"}


async def test_an_agreement_that_is_not_understood_is_named_in_its_company(harness: PsaRunHarness) -> None:
    await harness.run()
    harness.psa.listed_agreements.pop()
    odd = UnreadableRow("78", "agreement 78 has no name", ACME)
    new = UnreadableRow("79", "agreement 79 has no name", "1")
    nobodys = UnreadableRow("80", "agreement 80 has no company")
    harness.psa.odd_rows = {"agreements": [odd, new, nobodys]}

    finished = await harness.run()

    assert unreadable(harness) == {"911": "agreement 78 has no name"}
    assert unreadable(harness, "1") == {"agreement-79": "agreement 79 has no name"}
    assert await harness.quantities(ACME) == {"901": 8, "902": Decimal("2.5"), "911": 4}
    assert (finished.outcome, finished.reason) == (Outcome.COMPLETE, None)
    assert set(finished.exceptions) == {
        "agreement 80 has no company",
        "agreement 78: agreement 78 has no name",
        "agreement 79: agreement 79 has no name",
    }
    assert harness.psa.calls.count("agreements") == 1


async def test_a_month_with_odd_things_leaves_every_other_line_as_if_they_were_not_there(
    harness: PsaRunHarness,
) -> None:
    psa, odd_ids = harness.psa, ("951", "961", "971", "981")
    for line_id in odd_ids:
        agreement = an_agreement(line_id[:2])
        psa.listed_agreements.append(agreement)
        psa.held_lines[line_id] = replace(a_line(line_id, "7", agreement=agreement), product_id="599")
    await harness.run()
    make_odd(psa, "951")
    psa.faults["lines 96"] = [FORBIDDEN] * 100
    psa.listed_agreements = [a for a in psa.listed_agreements if a.agreement_id != "97"]
    psa.odd_rows["agreements"] = [UnreadableRow("97", "agreement 97 is odd", ACME)]
    psa.unlisted.add("981")
    psa.faults["line 981"] = [FORBIDDEN] * 100
    plain = {line_id: str(line.quantity) for line_id, line in a_psa().held_lines.items()}

    for day in range(30):
        if day % 7 == 3:
            plain["901"] = str(100 + day)
            psa.set_line("901", plain["901"])
        finished = await harness.run()

        manifest, quantities = harness.manifests()[ACME], await harness.quantities(ACME)
        assert {quantities.pop(line_id) for line_id in odd_ids} == {Decimal(7)}
        assert {id_: str(quantity) for id_, quantity in quantities.items()} == plain
        assert not span_of(manifest).is_empty
        read = [thing.read_revision for thing in manifest.things if thing.id in plain]
        assert min(read) >= finished.first_revision
        assert (finished.outcome, finished.unread_accounts) == (Outcome.COMPLETE, ())
        assert sorted(unreadable(harness)) == [*odd_ids]
