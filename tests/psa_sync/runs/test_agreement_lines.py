"""When the lines of agreements cannot be read, how many failures in a row mean that the PSA is down."""

import pytest
from psa import an_agreement
from psa_runs import PsaRunHarness

from psa_sync import concurrency
from shared.errors import TransientError, UnexpectedResponse
from shared.mongo import Mongo


async def test_an_agreement_that_is_answered_oddly_ends_a_row_of_unreachable_ones(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(concurrency, "CALLS_AT_ONCE", 1)  # one after the other, so the row has one order
    harness = PsaRunHarness(mongo)
    harness.psa.listed_agreements = [an_agreement(str(number)) for number in range(100, 106)]
    unreachable, odd = TransientError("503 after every attempt"), UnexpectedResponse("no list")
    harness.psa.faults = {f"lines {100 + n}": [odd if n % 2 else unreachable] for n in range(5)}

    await harness.run()

    assert "lines 105" in harness.psa.calls
