"""The stamp of one read: what it belongs to, and the revision that was taken before it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

from shared.contracts import Observation
from shared.contracts.base import utc
from shared.sync_engine.models import IntegrationState

O = TypeVar("O", bound=Observation)  # noqa: E741  one letter, as type variables have

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment_of(revision: int) -> datetime:
    """Returns about when a revision was taken, cut to milliseconds; later only where a clock was set back."""
    return utc(_EPOCH + timedelta(microseconds=revision))


@dataclass(frozen=True, slots=True)
class Stamp:
    """Says by which run (or write), in which generation and when something was read.

    The revision is taken from the integration's counter *before* the read, so that a later read carries the
    larger number, whichever answer comes first (architecture §3, *Revision and fencing*).
    """

    tenant_id: str
    integration_id: str
    run_id: str
    generation: int
    revision: int
    observed_at: datetime

    @classmethod
    def of(cls, integration: IntegrationState, run_id: str, revision: int, observed_at: datetime) -> Self:
        """Stamps a read of this integration in its present generation."""
        return cls(
            integration.tenant_id,
            integration.integration_id,
            run_id,
            integration.generation,
            revision,
            observed_at,
        )

    @property
    def fields(self) -> dict[str, Any]:
        """The fields that every observation takes from its stamp, by name."""
        return {name: getattr(self, name) for name in self.__slots__}

    def absent(self, last_seen: O) -> O:
        """Returns the observation that the thing is no longer there; what it held last stays as evidence."""
        gone = {**self.fields, "present": False}
        if "read_back" in type(last_seen).model_fields:  # that mark is the last reading's own
            gone["read_back"] = False
        return last_seen.model_copy(update=gone)
