from datetime import UTC, datetime
from decimal import Decimal

import pytest

from psa_sync.writes.handlers import refuse_undeliverable_result
from shared.contracts.psa_sync import PsaCredentialsRejected, QuantityRefused, QuantityWritten
from shared.contracts.quantity_write import WriteRefusal

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
WRITE = {"tenant_id": "demo", "integration_id": "int_2", "line_id": "901", "approval_id": "apr_1"}
WRITTEN = QuantityWritten(**WRITE, before=Decimal(5), after=Decimal(7), sent=True, proven_at=AT)
REFUSED = QuantityRefused(**WRITE, reason=WriteRefusal.CONFLICT, detail="it holds 6", refused_at=AT)


@pytest.mark.parametrize("result", [WRITTEN, REFUSED], ids=["written", "refused"])
async def test_a_result_that_kafka_never_takes_asks_a_person_to_look(
    result: QuantityWritten | QuantityRefused,
) -> None:
    messages = await refuse_undeliverable_result(result, "it is too large")

    assert messages is not None
    (refusal,) = messages

    assert isinstance(refusal, QuantityRefused)
    assert refusal.model_dump(include=set(WRITE)) == WRITE
    assert (refusal.reason, refusal.refused_at) == (WriteRefusal.UNKNOWN_OUTCOME, AT)
    assert "look at the line in the PSA: it is too large" in refusal.detail


async def test_what_is_no_result_is_left_to_others() -> None:
    rejected = PsaCredentialsRejected(tenant_id="demo", integration_id="int_2", generation=1, refused="no")

    assert await refuse_undeliverable_result(rejected, "it is too large") is None
