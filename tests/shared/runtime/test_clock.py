from datetime import UTC, datetime, timedelta

from shared.runtime.clock import utc_now


def test_the_time_is_aware_and_no_finer_than_the_document_store_keeps() -> None:
    now = utc_now()

    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert abs(datetime.now(UTC) - now) < timedelta(minutes=1)
