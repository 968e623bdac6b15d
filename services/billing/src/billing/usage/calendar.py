"""The tenant's days: which date a moment falls on, and which lines are open on a date."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, field_validator

_FIRST_DAY, _LAST_DAY = date(2, 1, 1), date(9999, 12, 30)


class TenantCalendar(BaseModel):
    """A tenant's currency (ISO 4217) and time zone (IANA), as the operator set them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    currency: str | None = None
    time_zone: str = "UTC"

    @field_validator("time_zone")
    @classmethod
    def _check_time_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is no IANA time zone; write one such as Europe/Berlin") from error
        return name

    def day(self, now: datetime) -> date:
        """The tenant's date at a moment."""
        return now.astimezone(ZoneInfo(self.time_zone)).date()

    def midnight(self, day: date) -> datetime:
        """The moment at which that day begins for this tenant.

        The first and the last days of the calendar begin, in some zones, in a year that it does not have.
        """
        day = min(max(day, _FIRST_DAY), _LAST_DAY)
        return datetime.combine(day, time(), ZoneInfo(self.time_zone))

    def day_end(self, now: datetime) -> datetime:
        """The moment at which the tenant's day ends that `now` falls on."""
        return self.midnight(self.day(now) + timedelta(days=1))


def open_on(day: date, starts_on: date | None, ends_on: date | None) -> bool:
    """Whether a line is open on a day; `ends_on` is the first day that is no longer billed."""
    return (starts_on is None or starts_on <= day) and (ends_on is None or day < ends_on)


def soonest(moments: Iterable[datetime | None], *, after: datetime) -> datetime | None:
    """The first moment that is still to come; None when none is."""
    return min((moment for moment in moments if moment and moment > after), default=None)
