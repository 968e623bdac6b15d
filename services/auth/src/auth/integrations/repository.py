"""Integrations and their credentials: changed together with what is said of them, or not at all."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from auth.credentials.connections import CONNECTIONS, Connection
from auth.credentials.sealing import SealedSecret, Sealer, SealingContext
from auth.integrations.models import Integration
from shared.contracts import Message
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import integration_id_of
from shared.errors import NotFound
from shared.mongo import Mongo, Session
from shared.outbox import Outbox

_REWRAPPED_AT_ONCE = 100


class MongoIntegrations:
    """Every change goes with its event, in one transaction."""

    def __init__(self, mongo: Mongo, outbox: Outbox, sealer: Sealer) -> None:
        self._mongo, self._outbox, self._sealer = mongo, outbox, sealer

    async def connect(self, tenant_id: str, connection: Connection, now: datetime) -> Integration:
        """Save proven credentials as the integration's newest generation."""
        place = _place(tenant_id, integration_id_of(tenant_id, connection.provider, connection.realm))
        sealed = await self._sealer.seal(place, json.dumps(connection.revealed()).encode())

        async def work(session: Session) -> Integration:
            before = await self._read(tenant_id, place.integration_id, session)
            after = Integration.connected(tenant_id, connection, before=before, now=now)
            credential = {"_id": after.integration_id, "generation": after.generation}
            row = credential | {"sealed": sealed.document()}
            await self._mongo.documents("credentials", tenant_id).put(row, session=session)
            await self._save(after, [after.as_connected(), after.as_changed()], session)
            return after

        return await self._committed(work)

    async def move(
        self, tenant_id: str, integration_id: str, transition: Callable[[Integration], Integration]
    ) -> Integration:
        """Save what the transition makes of it; a disconnected one loses its credential. Raises NotFound."""

        async def work(session: Session) -> Integration:
            before = await self._read(tenant_id, integration_id, session)
            if before is None:
                raise _unknown(integration_id)
            after = transition(before)
            if after != before:
                await self._save(after, [after.as_changed()], session)
            if after.status is IntegrationStatus.DISCONNECTED:
                credentials = self._mongo.documents("credentials", tenant_id)
                await credentials.remove({"_id": integration_id}, session=session)
            return after

        return await self._committed(work)

    async def get(self, tenant_id: str, integration_id: str) -> Integration:
        """Raises NotFound."""
        if found := await self._read(tenant_id, integration_id, None):
            return found
        raise _unknown(integration_id)

    async def every(self, tenant_id: str) -> list[Integration]:
        rows = await self._mongo.documents("integrations", tenant_id).find(sort=[("name", 1)])
        return [Integration.model_validate(row) for row in rows]

    async def credentials(self, integration: Integration) -> Connection:
        """Unsealed, for signing in at once; raises NotFound when they were replaced or destroyed."""
        rows = self._mongo.documents("credentials", integration.tenant_id)
        row = await rows.get(integration.integration_id)
        if row is None or row["generation"] != integration.generation:
            raise NotFound(f"the credentials of {integration.integration_id} were replaced: ask again")
        place = _place(integration.tenant_id, integration.integration_id)
        plain = await self._sealer.open(place, SealedSecret.read(row["sealed"]))
        return CONNECTIONS[integration.provider].model_validate_json(plain)

    async def rewrap(self) -> bool:
        """Move some credentials to the current sealing key; tells whether more may be waiting."""
        rows = self._mongo.all_tenants("credentials")
        old = {"sealed.kid": {"$ne": self._sealer.current}}
        found = await rows.find(old, limit=_REWRAPPED_AT_ONCE)
        for row in found:
            await self._rewrap(row)
        return len(found) == _REWRAPPED_AT_ONCE

    async def _rewrap(self, row: dict[str, Any]) -> None:
        place = _place(row["tenant_id"], row["_id"])
        sealed = await self._sealer.rewrapped(place, SealedSecret.read(row["sealed"]))
        # Only where nobody reconnected meanwhile: the nonce names what was read.
        same = {"_id": row["_id"], "sealed.nonce": row["sealed"]["nonce"]}
        rows = self._mongo.documents("credentials", row["tenant_id"])
        await rows.change(same, {"$set": {"sealed": sealed.document()}})

    async def _read(self, tenant_id: str, integration_id: str, session: Session | None) -> Integration | None:
        row = await self._mongo.documents("integrations", tenant_id).get(integration_id, session=session)
        return Integration.model_validate(row) if row else None

    async def _save(self, integration: Integration, said: Sequence[Message], session: Session) -> None:
        row = {"_id": integration.integration_id} | integration.model_dump(mode="json")
        await self._mongo.documents("integrations", integration.tenant_id).put(row, session=session)
        await self._outbox.add(said, session=session)

    async def _committed(self, work: Callable[[Session], Any]) -> Integration:
        integration: Integration = await self._mongo.transaction(work)
        self._outbox.wake()
        return integration


def _place(tenant_id: str, integration_id: str) -> SealingContext:
    return SealingContext(tenant_id, integration_id, "connection")


def _unknown(integration_id: str) -> NotFound:
    return NotFound(f"there is no integration {integration_id}: GET /integrations lists those of your tenant")
