"""What the operator sets for billing, read from the environment."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from billing.approvals.models import MOST_VALID_FOR, VALID_FOR
from billing.runs.models import PATIENCE
from billing.usage.calendar import TenantCalendar
from shared.runtime.settings import AuthSettings, KafkaSettings, MongoSettings, RedisSettings, ServiceSettings


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
