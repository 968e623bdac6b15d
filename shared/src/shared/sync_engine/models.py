"""Runs and the integrations that they belong to, as a sync service stores them; pure."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.contracts.auth import (
    IntegrationChanged,
    IntegrationConnected,
    IntegrationSettings,
    IntegrationStatus,
)
from shared.contracts.base import RunKind, Side, SyncRequested, opaque, utc
from shared.errors import LongPause, NeighbourAway, PermanentError, TransientError
from shared.limits.answers import PROVIDER_PAUSE_SECONDS
from shared.sync_engine.reports import StepReport

RUNNABLE = frozenset({IntegrationStatus.PENDING, IntegrationStatus.ACTIVE})
_PATIENCE = timedelta(seconds=PROVIDER_PAUSE_SECONDS.most)
"""How long a run waits for its provider without getting further (architecture §4)."""


class RunState(StrEnum):
    """Where a run stands; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"


OPEN = (RunState.QUEUED, RunState.RUNNING)


class IntegrationState(BaseModel):
    """An integration as auth last reported it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    tenant_id: str
    integration_id: str
    side: Side
    provider: str
    realm: str
    generation: int
    status: IntegrationStatus
    settings: IntegrationSettings = IntegrationSettings()
    revision: int = -1
    """Of the newest integration-changed that is stored; -1 before the first."""

    @property
    def runnable(self) -> bool:
        return self.status in RUNNABLE

    @classmethod
    def of(cls, event: IntegrationChanged) -> Self:
        """The state after the first news of an integration, when that is a change."""
        return cls.model_validate(event.model_dump())

    @classmethod
    def connected(cls, event: IntegrationConnected) -> Self:
        """The state after the first news of an integration, when that is its connection."""
        return cls.model_validate(event.model_dump() | {"status": IntegrationStatus.PENDING})

    def reconnected(self, event: IntegrationConnected) -> "IntegrationState":
        """The state after a connection: only a later generation says something new, an older one is late."""
        if event.generation <= self.generation:
            return self
        return self.model_copy(update={"generation": event.generation, "status": IntegrationStatus.PENDING})

    def changed(self, event: IntegrationChanged) -> "IntegrationState":
        """The state after a change; one of an older generation must not end what was connected since."""
        if event.revision <= self.revision or event.generation < self.generation:
            return self
        return IntegrationState.model_validate(event.model_dump())


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Asks for a run of one integration; requests of one `sync_id` are the same request."""

    tenant_id: str
    integration_id: str
    sync_id: str
    kind: RunKind
    asked_by: str
    republish: bool = False
    """Whether the run publishes also what did not change: a reader has lost some of it."""

    @classmethod
    def of(cls, command: SyncRequested) -> Self:
        """The request that the command makes."""
        return cls(
            command.tenant_id,
            command.integration_id,
            command.sync_id,
            command.kind,
            command.asked_by,
            command.republish,
        )

    @classmethod
    def first(cls, event: IntegrationConnected) -> Self:
        """The request for the first run of a generation; the same event again is the same request."""
        sync_id = "first_" + opaque(event.tenant_id, event.integration_id, str(event.generation))
        return cls(event.tenant_id, event.integration_id, sync_id, RunKind.FULL, "connected")


class Run(BaseModel):
    """One sync of one integration, as it is stored; it answers every sync id that has joined it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: str
    tenant_id: str
    integration_id: str
    sync_ids: tuple[str, ...]
    kind: RunKind
    state: RunState = RunState.QUEUED
    asked_by: str
    republish: bool = False
    queued_at: AwareDatetime
    generation: int = 0
    """The integration's generation when the run started; 0 while it is queued."""
    first_revision: int = 0
    """The revision taken when the run started: all that it publishes carries this one or a larger one."""
    phase: str = ""
    """The name of the step to do next; empty before the first."""
    reports: dict[str, StepReport] = {}
    """What its steps read, by the step's name: the run may be continued by another worker."""
    not_before: AwareDatetime | None = None
    """When the run that was put down may be taken up again; None while it is not put down."""
    phase_done: int = 0
    """How far its phase was at most when the run was put down, in things, as shown while it waits."""
    phase_total: int | None = None
    waiting_since: AwareDatetime | None = None
    """When it was put down for the first time without having got further since."""
    token: str = ""
    """Names the claim under which it is carried, so that a worker that was succeeded changes it no more."""
    claims: int = 0
    """How often a worker has claimed it."""
    reason: str | None = None
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None

    def answers(self, request: RunRequest, generation: int) -> bool:
        """Tells whether a request may join: the run reads all that it asks for, and is queued or full."""
        if request.republish and not self.republish:
            return False
        if self.state is RunState.RUNNING:
            return self.kind is RunKind.FULL and self.generation == generation
        return self.state is RunState.QUEUED and self.kind in (RunKind.FULL, request.kind)

    def is_paused(self, now: datetime) -> bool:
        """Tells whether the run is put down and not due yet."""
        return self.not_before is not None and now < self.not_before

    def paused(self, pause: LongPause, now: datetime, *, done: int, total: int | None) -> "Run":
        """The run as it is put down; raises `ProviderUnreachable` when it has waited long enough in vain."""
        until, since = now + timedelta(seconds=pause.retry_after), self.waiting_since
        if since is None or done > self.phase_done:
            since = now
        if until - since > _PATIENCE:
            raise ProviderUnreachable(f"waited for the provider since {since.isoformat()}: {pause}")
        changes = {
            "not_before": until,
            "phase_done": max(done, self.phase_done),
            "phase_total": total,
            "waiting_since": since,
        }
        return self.model_copy(update=changes)


class ProviderUnreachable(PermanentError):
    """The provider stayed out of reach after every attempt: the run ends partial."""


class RunStopped(PermanentError):
    """The integration was disconnected, disabled or connected anew while the run was going on."""


class RunSuspended(TransientError):
    """The process is stopping: the run is left as it is, to be taken up again."""


@contextmanager
def translate_provider_errors() -> Iterator[None]:
    """Wraps every call of a provider: what stays out of reach there ends the run partial.

    The same trouble of our own stores and services must not: it only suspends the run, and a `LongPause` puts
    it down. Raises `ProviderUnreachable` in place of any other `TransientError` of the provider.
    """
    try:
        yield
    except (NeighbourAway, LongPause):
        raise
    except TransientError as error:
        raise ProviderUnreachable(f"the provider does not answer: {error}") from error


def run_of(request: RunRequest, now: datetime) -> Run:
    """Makes a new run; the same request always makes the same id, so it can be queued only once."""
    return Run(
        run_id="run_" + opaque(request.tenant_id, request.integration_id, request.sync_id),
        tenant_id=request.tenant_id,
        integration_id=request.integration_id,
        sync_ids=(request.sync_id,),
        kind=request.kind,
        asked_by=request.asked_by,
        republish=request.republish,
        queued_at=utc(now),
    )
