from datetime import UTC, date, datetime

import pytest

from billing.usage.calendar import TenantCalendar, soonest

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ZONES = ("Europe/Berlin", "Pacific/Kiritimati", "America/New_York", "Etc/GMT+12", "UTC")


@pytest.mark.parametrize("zone", ZONES)
def test_the_first_and_the_last_days_of_the_calendar_have_a_midnight_in_every_zone(zone: str) -> None:
    calendar = TenantCalendar(id="demo", time_zone=zone)

    first, last = calendar.midnight(date.min), calendar.midnight(date.max)

    assert first.astimezone(UTC) < NOW < last.astimezone(UTC)
    assert soonest([first, last], after=NOW) == last


def test_a_day_begins_when_the_tenant_says_so() -> None:
    berlin = TenantCalendar(id="demo", time_zone="Europe/Berlin")

    assert berlin.midnight(date(2026, 7, 1)).astimezone(UTC) == datetime(2026, 6, 30, 22, tzinfo=UTC)
