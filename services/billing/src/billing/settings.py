"""What billing needs to be told."""

from datetime import timedelta

from billing.approvals.models import VALID_FOR
from billing.runs.models import PATIENCE
from billing.usage.calendar import TenantCalendar
from shared.runtime.settings import AuthSettings, KafkaSettings, MongoSettings, RedisSettings, ServiceSettings


class OwnDatabase(MongoSettings):
    """Named like the service unless told otherwise."""

    database: str = "billing"


class Settings(ServiceSettings):
    """From the environment."""

    kafka: KafkaSettings
    mongo: OwnDatabase
    redis: RedisSettings
    auth: AuthSettings
    tenants: tuple[TenantCalendar, ...]
    """As JSON; currency and time zone are needed here."""
    run_patience: timedelta = PATIENCE
    """How long a finished run waits for observations that do not come before it is closed as partial."""
    approval_valid_for: timedelta = VALID_FOR
