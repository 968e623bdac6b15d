"""When the lines of agreements cannot be read, how many failures in a row mean that the PSA is down."""

from psa import an_agreement
from psa_runs import PsaRunHarness

from shared.errors import TransientError, UnexpectedResponse
from shared.mongo import Mongo


async def test_an_agreement_that_is_answered_oddly_ends_a_row_of_unreachable_ones(mongo: Mongo) -> None:
    harness = PsaRunHarness(mongo, calls_at_once=1)
    harness.psa.listed_agreements = [an_agreement(str(number)) for number in range(100, 106)]
    unreachable, odd = TransientError("503 after every attempt"), UnexpectedResponse("no list")
    harness.psa.faults = {f"lines {100 + n}": [odd if n % 2 else unreachable] for n in range(5)}

    await harness.run()

    assert "lines 105" in harness.psa.calls
