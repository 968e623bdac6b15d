"""What a run says of each company: what is named, what it rests on, and when it is collected again."""

from dataclasses import replace
from decimal import Decimal

import pytest
from psa import FakePsa, a_line, an_agreement
from psa_runs import PsaRunHarness, span_of

from shared.contracts import Message
from shared.contracts.base import Outcome, RunKind
from shared.contracts.manifest import ListingExtent
from shared.contracts.psa_sync import AgreementLineObserved, PsaAccountRead
from shared.errors import CredentialsRejected, PermanentError, TransientError
from shared.mongo import Mongo

ACME = "19297"
"""The company of all agreements of the fake PSA; no list of companies has it."""


@pytest.fixture
async def harness(mongo: Mongo) -> PsaRunHarness:
    return PsaRunHarness(mongo)


async def test_a_first_manifest_names_every_line_and_has_no_second_reading_to_vouch_for_it(
    harness: PsaRunHarness,
) -> None:
    await harness.run()

    manifest, span = harness.manifests()[ACME], span_of(harness.manifests()[ACME])
    lines = {line.line_id: line.revision for line in harness.published(AgreementLineObserved)}
    assert {thing.id: thing.revision for thing in manifest.things} == lines
    assert (manifest.nth, manifest.listing, manifest.unreadable) == (1, ListingExtent.WHOLE, ())
    assert span.is_empty
    assert manifest.revision > max(span.known_from, manifest.listed_revision)


async def test_a_company_without_agreements_has_an_empty_manifest_in_every_run(
    harness: PsaRunHarness,
) -> None:
    await harness.run()
    await harness.run()

    for company_id in ("1", "2"):
        manifest = harness.manifests()[company_id]
        assert (manifest.things, manifest.spans, manifest.unreadable) == ((), (), ())


@pytest.mark.parametrize("kind", RunKind)
async def test_a_second_reading_that_finds_the_same_confirms_it(
    harness: PsaRunHarness, kind: RunKind
) -> None:
    await harness.run()
    first = harness.manifests()[ACME]
    await harness.run(kind)

    second = harness.manifests()[ACME]
    assert [thing.revision for thing in second.things] == [thing.revision for thing in first.things]
    assert min(t.read_revision for t in second.things) > max(t.read_revision for t in first.things)
    assert span_of(second).known_from == span_of(first).known_from
    assert span_of(second).known_until == second.listed_revision
    assert not span_of(second).is_empty


async def test_a_company_in_which_something_changed_is_collected_once_more(harness: PsaRunHarness) -> None:
    await harness.run()
    await harness.run()
    harness.psa.set_line("902", "3")

    finished = await harness.run()

    again = ["agreements of 19297", "lines 77", "lines 77", "lines 78", "lines 78"]
    assert sorted(c for c in harness.psa.calls if c.startswith(("lines", "agreements of"))) == again
    assert await harness.quantities(ACME) == {"901": 8, "902": 3, "911": 4}
    assert not span_of(harness.manifests()[ACME]).is_empty
    assert [m.account_id for m in harness.published(PsaAccountRead)].count(ACME) == 1
    assert (finished.manifests, finished.exceptions) == (3, ())


async def test_seats_that_move_between_two_calls_are_never_counted_twice(harness: PsaRunHarness) -> None:
    harness.calls_at_once = 1
    await harness.run()
    await harness.run()

    async def move(call: str) -> None:
        if call == "lines 77":
            harness.psa.set_line("901", "0")
            harness.psa.set_line("911", "12")

    harness.psa.as_listed = move

    await harness.run()

    assert await harness.quantities(ACME) == {"901": 0, "902": Decimal("2.5"), "911": 12}
    assert not span_of(harness.manifests()[ACME]).is_empty


async def test_a_company_that_keeps_changing_is_collected_three_times_and_named(
    harness: PsaRunHarness,
) -> None:
    await harness.run()
    seats = iter(range(100, 200))
    harness.psa.before_call = lambda psa, call: (
        psa.set_line("901", str(next(seats))) if call == "lines 77" else None
    )

    finished = await harness.run()

    assert harness.psa.calls.count("lines 77") == 3
    assert span_of(harness.manifests()[ACME]).is_empty
    assert finished.outcome is Outcome.COMPLETE
    assert finished.exceptions == ("company 19297: it kept changing while it was read 3 times",)

    harness.psa.before_call = lambda *_: None
    await harness.run()

    assert not span_of(harness.manifests()[ACME]).is_empty


async def test_a_company_that_cannot_be_listed_again_is_published_unsettled(harness: PsaRunHarness) -> None:
    await harness.run()
    harness.psa.set_line("901", "9")
    harness.psa.faults = {"agreements of 19297": [PermanentError("403 forbidden", status=403)]}

    finished = await harness.run()

    assert span_of(harness.manifests()[ACME]).is_empty
    assert await harness.quantities(ACME) == {"901": 9, "902": Decimal("2.5"), "911": 4}
    assert finished.outcome is Outcome.COMPLETE
    assert finished.exceptions == (
        "company 19297: it changed while it was read, and could not be listed again: 403 forbidden",
    )


async def test_a_run_that_gives_up_names_the_companies_that_it_did_not_come_to(
    harness: PsaRunHarness,
) -> None:
    harness.calls_at_once = 1
    harness.psa.listed_agreements += [
        replace(an_agreement(str(100 + n)), company_id=str(100 + n)) for n in range(10)
    ]
    away = TransientError("503 after every attempt")
    harness.psa.faults = {f"lines {103 + n}": [away] for n in range(7)}

    finished = await harness.run()

    published, unread = harness.manifests().keys(), {a.account_id for a in finished.unread_accounts}
    assert finished.outcome is Outcome.PARTIAL
    assert {"1", "2", "100", "101", "102"} <= published
    assert published | unread == {"1", "2", ACME, *(str(100 + n) for n in range(10))}
    assert not published & unread
    assert len(unread) >= 5


async def test_a_run_that_could_not_list_the_agreements_names_every_company_it_knows(
    harness: PsaRunHarness,
) -> None:
    await harness.run()
    harness.psa.faults = {"agreements": [CredentialsRejected("401 not authenticated")]}

    finished = await harness.run()

    assert (finished.outcome, finished.manifests) == (Outcome.FAILED, 0)
    assert {account.account_id for account in finished.unread_accounts} == {"1", "2", ACME}


def grown(psa: FakePsa, companies: int) -> None:
    """Adds companies of one agreement with one line each."""
    for number in range(1000, 1000 + companies):
        agreement = replace(an_agreement(f"a{number}"), company_id=str(number))
        psa.listed_agreements.append(agreement)
        psa.held_lines[f"l{number}"] = a_line(f"l{number}", agreement=agreement)


async def test_many_companies_share_store_calls_and_are_each_collected_with_one_call(
    harness: PsaRunHarness,
) -> None:
    grown(harness.psa, 250)
    sent = list[int]()

    async def note(batch: list[Message]) -> None:
        sent.append(len(batch))

    harness.publisher.before = note
    await harness.run()
    # Of 250 readings, some hundred at the least were stored together with others.
    assert len(sent) < 150
    sent.clear()

    finished = await harness.run()

    assert (finished.manifests, finished.unread_accounts) == (253, ())
    assert len([call for call in harness.psa.calls if call.startswith("lines")]) == 252
    assert sorted(sent) == [53, 200]
