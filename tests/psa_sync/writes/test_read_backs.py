"""A reading is marked as a read-back only after our own write, and by its own mark alone."""

from decimal import Decimal
from typing import Any

import pytest
from psa import FakePsa
from writes import EIGHT, TEN, WriteHarness, a_write

from shared.contracts.psa_sync import AgreementLineObserved
from shared.mongo import Mongo
from shared.sync_engine.observation_rows import digest

NINE = Decimal(9)


@pytest.fixture
async def harness(mongo: Mongo) -> WriteHarness:
    return WriteHarness(mongo)


def readings(harness: WriteHarness) -> list[tuple[Decimal | None, bool, bool]]:
    """What was published of the line: its quantity, and whether it is there and read back."""
    return [
        (message.quantity, message.present, message.read_back)
        for message in harness.publisher.messages
        if isinstance(message, AgreementLineObserved)
    ]


async def test_only_the_reading_after_our_write_is_a_read_back(harness: WriteHarness) -> None:
    await harness.write(a_write())

    assert readings(harness) == [(EIGHT, True, False), (TEN, True, True)]


async def test_a_reading_that_keeps_us_from_writing_is_no_read_back(harness: WriteHarness) -> None:
    harness.psa.set_line("901", "9")

    await harness.write(a_write())

    assert readings(harness) == [(NINE, True, False)]


async def test_a_line_that_holds_the_target_without_our_doing_is_no_read_back(harness: WriteHarness) -> None:
    harness.psa.set_line("901", "10")

    await harness.write(a_write())

    assert readings(harness) == [(TEN, True, False)]


async def test_a_write_that_the_psa_did_not_take_is_not_read_back(harness: WriteHarness) -> None:
    harness.psa.write_faults = ["throttled"]
    harness.psa.before_call = lambda psa, name: (
        psa.set_line("901", "9") if name == "line 901" and psa.sent else None
    )

    await harness.write(a_write())

    assert readings(harness) == [(EIGHT, True, False), (NINE, True, False)]


async def test_a_line_that_is_gone_after_our_write_is_no_read_back(harness: WriteHarness) -> None:
    def remove(psa: FakePsa, name: str) -> None:
        if name == "line 901" and psa.sent:
            psa.held_lines.pop("901", None)

    harness.psa.write_faults = ["false-200"]
    harness.psa.before_call = remove

    await harness.write(a_write())

    assert readings(harness) == [(EIGHT, True, False), (EIGHT, False, False)]


def test_a_run_that_reads_what_was_read_back_has_nothing_new_to_say() -> None:
    known: dict[str, Any] = {
        "tenant_id": "demo",
        "integration_id": "int_1",
        "line_id": "901",
        "quantity": TEN,
    }
    ran = AgreementLineObserved.model_construct(**known)

    assert digest(ran) == digest(ran.model_copy(update={"read_back": True}))
