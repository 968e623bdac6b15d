"""A line of which anything but the quantity differs from what was approved is another line."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from psa import a_line, an_agreement
from writes import NOW, TERMS, WriteHarness, a_write, only_message

from psa_sync.psa import PsaLine
from psa_sync.writes.decide import Refused, Send, Written, decide
from psa_sync.writes.intent import LONGEST_REQUEST_LIFE, Intent
from psa_sync.writes.terms import changed_terms
from shared.contracts.psa_sync import QuantityRefused
from shared.contracts.quantity_write import WriteRefusal
from shared.mongo import Mongo

LINE = a_line("901", "8")
CHANGES: dict[str, tuple[PsaLine, str]] = {
    "product": (replace(LINE, product_id="513"), "its product is 513, not 512 as approved"),
    "company": (
        replace(LINE, agreement=replace(an_agreement(), company_id="9")),
        "its company is 9, not 19297 as approved",
    ),
    "agreement": (replace(LINE, agreement=an_agreement("78")), "its agreement is 78, not 77 as approved"),
    "included units": (
        replace(LINE, included=Decimal(3)),
        "its number of included units is 3, not 0 as approved",
    ),
    "included units that nobody knows any more": (
        replace(LINE, included=None),
        "its number of included units is unset, not 0 as approved",
    ),
    "price": (replace(LINE, unit_price=Decimal("4.00")), "its unit price is 4, not 3.5 as approved"),
    "cost": (replace(LINE, unit_cost=Decimal(2)), "its unit cost is 2, not 1.2 as approved"),
    "currency": (
        replace(LINE, agreement=replace(an_agreement(), currency="EUR")),
        "its currency is EUR, not USD as approved",
    ),
    "not billable": (replace(LINE, charged=False), "its billable flag is off, not on as approved"),
    "agreement switched off": (
        replace(LINE, agreement=an_agreement(cancelled=True)),
        "its billable flag is off, not on as approved",
    ),
    "cancelled": (
        replace(LINE, until_day=NOW.date()),
        "it is not open on 2026-03-02 (it bills from ever until before 2026-03-02)",
    ),
    "agreement ended": (
        replace(LINE, agreement=replace(an_agreement(), ends_on=NOW.date())),
        "it is not open on 2026-03-02 (it bills from ever until before 2026-03-02)",
    ),
    "begins later": (
        replace(LINE, from_day=date(2026, 3, 3)),
        "it is not open on 2026-03-02 (it bills from 2026-03-03 until before ever)",
    ),
}
SAME = {
    "as it was": LINE,
    "a price with other zeros": replace(LINE, unit_price=Decimal("3.500")),
    "no currency, where the tenant's own was shown": replace(
        LINE, agreement=replace(an_agreement(), currency=None)
    ),
    "another name of the agreement": replace(LINE, agreement=replace(an_agreement(), name="Renamed")),
    "an end that is still to come": replace(LINE, until_day=date(2026, 3, 3)),
    "a first day that has come": replace(LINE, from_day=NOW.date()),
}

WAITING = Intent(a_write("10", expected="8"), "1", NOW)
SENDING = WAITING.begin_send(NOW)
SENT = SENDING.acknowledge(Decimal(10), "request-1")


@pytest.mark.parametrize("change", CHANGES)
def test_each_fact_that_differs_is_named_as_it_is_and_as_it_was_approved(change: str) -> None:
    line, sentence = CHANGES[change]

    assert changed_terms(a_write(), line, NOW) == sentence


@pytest.mark.parametrize("line", SAME.values(), ids=SAME)
def test_what_leaves_the_facts_as_they_were_is_no_change(line: PsaLine) -> None:
    assert changed_terms(a_write(), line, NOW) is None


def test_a_line_whose_currency_is_gone_bills_in_the_tenants_own() -> None:
    command = a_write().model_copy(update={"terms": TERMS.model_copy(update={"currency": "EUR"})})
    line = replace(LINE, agreement=replace(an_agreement(), currency=None))

    assert changed_terms(command, line, NOW) == "its currency is USD, not EUR as approved"


def test_several_changes_are_all_named() -> None:
    sentence = changed_terms(a_write(), replace(LINE, product_id="513", unit_price=Decimal(4)), NOW)

    assert sentence == "its product is 513, not 512 as approved; its unit price is 4, not 3.5 as approved"


@pytest.mark.parametrize(
    ("at", "valid_until", "is_open"),
    [
        ("04:59:59", "05:10:00", True),
        ("05:00:00", "05:10:00", False),
        ("09:00:00", "04:59:59", True),
    ],
    ids=["before the tenant's midnight", "after it", "long after the time for sending, which was before it"],
)
def test_the_tenants_day_decides_whether_a_line_is_open(at: str, valid_until: str, *, is_open: bool) -> None:
    # In New York 1 March ends at 05:00 UTC; it is the line's last day.
    command = a_write().model_copy(
        update={
            "day": date(2026, 3, 1),
            "day_ends_at": datetime.fromisoformat("2026-03-02T05:00:00Z"),
            "valid_until": datetime.fromisoformat(f"2026-03-02T{valid_until}Z"),
        }
    )
    line = replace(LINE, until_day=date(2026, 3, 2))

    changes = changed_terms(command, line, datetime.fromisoformat(f"2026-03-02T{at}Z"))

    assert (changes is None) is is_open


@pytest.mark.parametrize("quantity", ["8", "10", "9"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_line_that_is_not_as_approved_is_never_written_to_nor_proven(change: str, quantity: str) -> None:
    line, sentence = CHANGES[change]

    for intent in (WAITING, SENDING, SENT):
        verdict = decide(intent, replace(line, quantity=Decimal(quantity)), NOW + LONGEST_REQUEST_LIFE)

        assert isinstance(verdict, Refused)
        assert sentence in verdict.detail
        is_open = intent is SENDING and quantity == "8"
        assert verdict.reason is (WriteRefusal.UNKNOWN_OUTCOME if is_open else WriteRefusal.CONFLICT)


def test_a_line_that_is_as_approved_is_written_to_and_proven() -> None:
    assert decide(WAITING, LINE, NOW) == Send()
    assert decide(SENT, replace(LINE, quantity=Decimal(10)), NOW) == Written(sent=True)


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_between_approval_and_write_is_a_conflict_and_nothing_is_sent(
    mongo: Mongo, change: str
) -> None:
    harness = WriteHarness(mongo)
    harness.psa.held_lines["901"], sentence = CHANGES[change]

    refused = only_message(await harness.write(a_write()), QuantityRefused)

    assert (refused.reason, refused.current, refused.sent) == (WriteRefusal.CONFLICT, Decimal(8), False)
    assert sentence in refused.detail
    assert harness.psa.sent == []


async def test_a_change_before_a_repeated_send_keeps_it_from_being_sent(mongo: Mongo) -> None:
    harness = WriteHarness(mongo)
    harness.psa.write_faults = ["cut-before"]
    await harness.connect_integration()
    await harness.writes.receive([a_write()])
    await harness.work_once()

    harness.psa.held_lines["901"] = CHANGES["price"][0]
    harness.now += timedelta(minutes=1)
    await harness.work_until_done()

    refused = only_message(await harness.outbox_messages(), QuantityRefused)
    assert (refused.reason, refused.sent) == (WriteRefusal.UNKNOWN_OUTCOME, True)
    assert "its unit price is 4" in refused.detail
    assert len(harness.psa.sent) == 1


async def test_a_change_after_our_own_send_is_said_although_the_number_stands(mongo: Mongo) -> None:
    harness = WriteHarness(mongo)
    await harness.connect_integration()
    await harness.writes.receive([a_write()])
    harness.intents.kill_at = "after sent"
    await harness.work_once()

    changed = harness.psa.held_lines["901"]
    harness.psa.held_lines["901"] = replace(changed, product_id="513")
    await harness.work_until_done()

    refused = only_message(await harness.outbox_messages(), QuantityRefused)
    assert (refused.reason, refused.current, refused.sent) == (WriteRefusal.CONFLICT, Decimal(10), True)
    assert "10 was sent, but the line has changed meanwhile: its product is 513" in refused.detail
