"""What closing runs, completing syncs and starting them need of the stores and of the status channel."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from billing.observations.manifest_receipts import AppliedCount
from billing.runs.models import FinishedRun, RunClosure, Sync
from billing.usage.ref import Ref
from billing.usage.totals import Totals
from shared.contracts import Command
from shared.contracts.auth import IntegrationChanged
from shared.contracts.billing import ReconciliationCompleted
from shared.status_channel import RunStatus


class RunStore(Protocol):
    """Runs as stored; the lists are of all tenants, the run that has waited longest first."""

    async def record(self, runs: Sequence[FinishedRun]) -> None:
        """Stores each run once; one that is stored already only learns that it answers one more sync."""

    async def awaiting_closure(self) -> Sequence[FinishedRun]: ...

    async def note_applied(self, run: FinishedRun, applied: int, now: datetime) -> None:
        """Stores that more manifests were applied: patience is counted from now again."""

    async def close(self, closure: RunClosure) -> bool:
        """Saves what the closure changes in one transaction; returns False when the run is closed already."""

    async def awaiting_reconciliation(self) -> Sequence[FinishedRun]:
        """Returns runs that are closed but not reconciled."""

    async def reconcile(self, run: FinishedRun, totals: Totals, now: datetime) -> None:
        """Stores the totals, and the run's verdict as it is in the end."""

    async def awaiting_completion(self) -> Sequence[FinishedRun]:
        """Returns reconciled runs with a sync that is not completed, or not broadcast."""

    async def integrations_of(self, tenant_id: str, sync_id: str) -> Sequence[str]:
        """Returns the integrations that a sync was asked of; none when nobody asked for it here."""

    async def of_sync(self, tenant_id: str, sync_id: str) -> Sequence[FinishedRun]: ...

    async def newest_reconciled(self, tenant_id: str, integration_id: str) -> FinishedRun | None: ...

    async def complete_sync(self, completed: ReconciliationCompleted) -> None:
        """Stores and publishes the completion, once however often it is called."""

    async def note_completed(self, run: FinishedRun, sync_id: str) -> None:
        """Stores that a sync of the run is completed."""

    async def note_broadcast(self, run: FinishedRun, sync_id: str) -> None:
        """Stores that the completion of a sync of the run was broadcast."""

    async def finish(self, run: FinishedRun) -> None:
        """Stores that nothing is left to do, unless another sync joined the run in the meantime."""


class ManifestProgress(Protocol):
    """How far the manifests of a run have come."""

    async def applied_of_run(self, tenant_id: str, integration_id: str, run_id: str) -> AppliedCount:
        """Returns how many count, or were overtaken by a later one."""

    async def unapplied_accounts(self, tenant_id: str, integration_id: str, run_id: str) -> Mapping[str, str]:
        """Returns the ids of the accounts whose manifest has come and does not count, with the reason."""

    async def silent_accounts(self, tenant_id: str, integration_id: str, run_id: str) -> Sequence[str]:
        """Returns the ids of the accounts that are there, and of which no manifest of the run has come."""

    async def forgotten_accounts(
        self, tenant_id: str, integration_id: str, run_id: str, first_revision: int
    ) -> Sequence[Ref]:
        """Returns the accounts that hold something, and that a complete full run does not know of."""

    async def unread(self, tenant_id: str, accounts: Collection[Ref], before_revision: int) -> None:
        """Lets accounts whose manifests are older than this revision count as never read."""


class LineTotals(Protocol):
    """Usage lines, summed up."""

    async def undecided_accounts(self, tenant_id: str, integration_id: str) -> set[Ref]:
        """Returns the accounts (refs) of an integration's lines of which a number is stale or unread."""

    async def totals(self, tenant_id: str, integration_ids: Sequence[str]) -> Totals: ...


class WorkBacklog(Protocol):
    """The work that waits to be reconciled."""

    async def newest(self, tenant_id: str) -> datetime | None:
        """Returns when the last of it was enqueued."""

    async def waiting_refs(self, tenant_id: str) -> set[Ref]:
        """Returns all of it that is to be calculated again, or to be expanded to accounts first."""

    async def any_until(self, tenant_id: str, moment: datetime, *, delayed: bool = False) -> bool:
        """Returns whether work enqueued up to that moment waits.

        `delayed` asks for work that was put off after it failed, else only other work counts.
        """


class SyncStore(Protocol):
    """Syncs as stored."""

    async def start(self, sync: Sync, commands: Sequence[Command]) -> bool:
        """Saves a sync with its commands, once; returns whether it was new."""


class ConnectedIntegrations(Protocol):
    """The integrations of each tenant."""

    async def of_tenant(self, tenant_id: str) -> Sequence[IntegrationChanged]: ...

    async def by_tenant(self) -> Mapping[str, set[str]]:
        """Returns the integration ids of every tenant."""


class StatusBoard(Protocol):
    """The status channel: where the newest run of each integration stands."""

    async def report(self, status: RunStatus) -> int: ...

    async def snapshot(self, tenant_id: str) -> Mapping[str, RunStatus]:
        """Returns the newest status by integration id."""


class RepublishRequests(Protocol):
    """Asks a sync service to publish again what it believes that everybody has; see `SyncRequestService`."""

    async def republish(self, run: FinishedRun) -> None:
        """Asks once for each run."""


@dataclass(frozen=True, slots=True)
class ClosingPorts:
    """What closing runs works with."""

    runs: RunStore
    manifests: ManifestProgress
    lines: LineTotals
    backlog: WorkBacklog
    requests: RepublishRequests
