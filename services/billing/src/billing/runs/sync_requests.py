"""Asks both sides for a run: when a mapping is finished, and when a person wants fresh numbers."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol
from uuid import uuid4

from billing.runs.sync import Sync
from shared.contracts import Command
from shared.contracts.auth import IntegrationChanged, IntegrationStatus
from shared.contracts.base import RunKind, Side, SyncRequested
from shared.contracts.matcher import MappingFinished
from shared.contracts.psa_sync import SyncPsa
from shared.contracts.vendor_sync import SyncVendor
from shared.errors import Conflict


class Syncs(Protocol):
    """Where syncs are kept."""

    async def start(self, sync: Sync, commands: Sequence[Command]) -> bool:
        """Save a sync with its commands, once; tells whether it was new."""


class Integrations(Protocol):
    """What a tenant is connected to."""

    async def of_tenant(self, tenant_id: str) -> Sequence[IntegrationChanged]: ...


class SyncRequestService:
    """Starts syncs; the commands leave with the sync's document or not at all."""

    def __init__(
        self,
        syncs: Syncs,
        integrations: Integrations,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], str] = lambda: f"syn_{uuid4().hex}",
    ) -> None:
        self._syncs, self._integrations = syncs, integrations
        self._clock, self._new_id = clock, new_id

    async def finish(self, finished: MappingFinished) -> None:
        """Sync the two that were mapped. The finish's id is the sync's: hearing it twice starts one sync."""
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
        await self._syncs.start(sync, _commands(sync, sides.items()))

    async def request(self, tenant_id: str, asked_by: str, kind: RunKind) -> Sync:
        """Sync every active integration. Raises `Conflict` when there is none."""
        known = await self._integrations.of_tenant(tenant_id)
        sides = {one.integration_id: one.side for one in known if one.status is IntegrationStatus.ACTIVE}
        if not sides:
            raise Conflict("no integration is active: connect both sides and finish mapping first")
        sync = Sync(tenant_id, self._new_id(), tuple(sides), kind, asked_by, self._clock())
        await self._syncs.start(sync, _commands(sync, sides.items()))
        return sync


def _commands(sync: Sync, sides: Iterable[tuple[str, Side]]) -> list[Command]:
    return [_command(sync, integration_id, side) for integration_id, side in sides]


def _command(sync: Sync, integration_id: str, side: Side) -> SyncRequested:
    kind = SyncVendor if side is Side.VENDOR else SyncPsa
    return kind(
        tenant_id=sync.tenant_id,
        integration_id=integration_id,
        sync_id=sync.sync_id,
        kind=sync.kind,
        asked_by=sync.asked_by,
    )
