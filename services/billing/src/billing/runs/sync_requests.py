"""Starts syncs: when a mapping is finished, a person wants fresh numbers, or something was lost."""

# Invariant: a sync's commands leave with its document, in one transaction, or not at all; a sync id starts
# once. The sync of a finished mapping takes the id of the finish, so the event may be delivered any number
# of times.

from collections.abc import Callable, Mapping
from uuid import uuid4

from billing.runs.models import AGAIN, FinishedRun, Sync
from billing.runs.ports import ConnectedIntegrations, SyncStore
from shared.contracts import Command
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import RunKind, Side, opaque
from shared.contracts.matcher import MappingFinished
from shared.contracts.psa_sync import SyncPsa
from shared.contracts.vendor_sync import SyncVendor
from shared.errors import Conflict
from shared.runtime.clock import Clock, utc_now


class SyncRequestService:
    """Asks the sync services for runs."""

    def __init__(
        self,
        syncs: SyncStore,
        integrations: ConnectedIntegrations,
        *,
        clock: Clock = utc_now,
        new_id: Callable[[], str] = lambda: f"syn_{uuid4().hex}",
    ) -> None:
        self._syncs, self._integrations = syncs, integrations
        self._clock, self._new_id = clock, new_id

    async def start_after_mapping(self, finished: MappingFinished) -> None:
        """Starts a full sync of the two integrations that were mapped."""
        sides = {
            finished.vendor_integration_id: Side.VENDOR,
            finished.psa_integration_id: Side.PSA,
        }
        sync = Sync(
            tenant_id=finished.tenant_id,
            sync_id=finished.finish_id,
            integration_ids=tuple(sides),
            kind=RunKind.FULL,
            asked_by=finished.finished_by,
            requested_at=finished.finished_at,
        )
        await self._syncs.start(sync, _commands(sync, sides))

    async def republish(self, run: FinishedRun) -> None:
        """Asks for a full run of the same integration that publishes all that it reads.

        It is asked for once for each run, and not for a run that was asked for so: what it could not mend
        another one would not, and each takes a call for every subscription.
        """
        if run.asked_again:
            return
        integrations = await self._integrations.of_tenant(run.tenant_id)
        sides = {
            one.integration_id: one.side for one in integrations if one.integration_id == run.integration_id
        }
        sync = Sync(
            tenant_id=run.tenant_id,
            sync_id=AGAIN + opaque(*run.key),
            integration_ids=tuple(sides),
            kind=RunKind.FULL,
            asked_by="billing",
            requested_at=self._clock(),
        )
        await self._syncs.start(sync, _commands(sync, sides, republish=True))

    async def start(self, tenant_id: str, asked_by: str, kind: RunKind) -> Sync:
        """Starts a sync of every active integration. Raises `Conflict` when there is none."""
        sides = {
            integration.integration_id: integration.side
            for integration in await self._integrations.of_tenant(tenant_id)
            if integration.status is IntegrationStatus.ACTIVE
        }
        if not sides:
            raise Conflict("no integration is active: connect both sides and finish mapping first")
        sync = Sync(tenant_id, self._new_id(), tuple(sides), kind, asked_by, self._clock())
        await self._syncs.start(sync, _commands(sync, sides))
        return sync


def _commands(sync: Sync, sides: Mapping[str, Side], *, republish: bool = False) -> list[Command]:
    """Returns a command to each integration's sync service; `sides` are by integration id."""
    kinds = {Side.VENDOR: SyncVendor, Side.PSA: SyncPsa}
    return [
        kinds[side](
            tenant_id=sync.tenant_id,
            integration_id=integration_id,
            sync_id=sync.sync_id,
            kind=sync.kind,
            asked_by=sync.asked_by,
            republish=republish,
        )
        for integration_id, side in sides.items()
    ]
