"""What the operator sets for billing, read from the environment."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from billing.approvals.models import MOST_VALID_FOR, VALID_FOR
from billing.feeds.models import FEED_RULES, FeedRules
from billing.runs.models import PATIENCE
from billing.usage.calendar import TenantCalendar
from shared.runtime.settings import AuthSettings, KafkaSettings, MongoSettings, RedisSettings, ServiceSettings


@dataclass(frozen=True, slots=True)
class BillingRules:
    """What the operator sets of how billing works."""

    tenants: tuple[TenantCalendar, ...] = ()
    run_patience: timedelta = PATIENCE
    approval_valid_for: timedelta = VALID_FOR
    feeds: FeedRules = FEED_RULES


DEFAULT_RULES = BillingRules()


class BillingDatabase(MongoSettings):
    """The database is named like the service unless the operator names another."""

    database: str = "billing"


class Settings(ServiceSettings):
    """The environment's variables, by name."""

    kafka: KafkaSettings
    mongo: BillingDatabase
    redis: RedisSettings
    auth: AuthSettings
    tenants: tuple[TenantCalendar, ...]
    """As JSON; currency and time zone are needed here."""
    run_patience: timedelta = PATIENCE
    """How long a finished run waits for observations that do not come before it is closed as partial."""
    approval_valid_for: Annotated[timedelta, Field(gt=timedelta(0), le=MOST_VALID_FOR)] = VALID_FOR
    """How long a command may wait to be carried out."""
    feed_lines_share: Decimal = Field(FEED_RULES.lines_share, gt=0, le=1)
    """The share of a tenant's lines from which on a run that makes them vanish or swing is held."""
    feed_money_share: Decimal = Field(FEED_RULES.money_share, gt=0, le=1)
    """The share of what the lines are worth from which on it is."""
    feed_least_lines: int = Field(FEED_RULES.least_lines, ge=1)
    """So many lines must vanish or swing at least; an empty feed is held in any case."""

    @property
    def rules(self) -> BillingRules:
        feeds = FeedRules(self.feed_lines_share, self.feed_money_share, self.feed_least_lines)
        return BillingRules(self.tenants, self.run_patience, self.approval_valid_for, feeds)
