"""Stores integrations and their sealed credentials."""

# Invariant: an integration, its credential and the events about it change in one transaction, and a
# credential is read only for the generation that it belongs to; an older one was replaced: NotFound.

import json
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any

from auth.credentials.connections import CONNECTION_TYPES, Connection
from auth.credentials.sealing import SealedSecret, Sealer, SealingContext
from auth.integrations.models import Integration
from auth.integrations.news import integration_news
from auth.providers.models import UNTOLD, AccountIdentity
from shared.contracts import Message
from shared.contracts.auth import IntegrationStatus
from shared.errors import Conflict, NotFound
from shared.mongo import Mongo, Session
from shared.news_channel import Announce, announce_nothing
from shared.outbox import Outbox

_REWRAP_BATCH = 100


class IntegrationRepository:
    """The collections `integrations` and `credentials`; the outbox takes the events of every change."""

    def __init__(
        self, mongo: Mongo, outbox: Outbox, sealer: Sealer, *, announce: Announce = announce_nothing
    ) -> None:
        self._mongo, self._outbox, self._sealer = mongo, outbox, sealer
        self._announce = announce

    async def connect(
        self,
        tenant_id: str,
        connection: Connection,
        now: datetime,
        *,
        identity: AccountIdentity = UNTOLD,
        previous: Integration | None = None,
    ) -> Integration:
        """Saves proven credentials as the next generation of the previous integration, or as a new one.

        Raises Conflict when the integration was connected to another account at the same moment.
        """
        proven = Integration.connect(tenant_id, connection, previous=previous, now=now, identity=identity)
        context = _sealing_context(tenant_id, proven.integration_id)
        # Sealed before the transaction: a KMS may take its time, and a transaction is repeated on a conflict.
        sealed = await self._sealer.seal(context, json.dumps(connection.revealed()).encode())

        async def work(session: Session) -> tuple[Integration, bool]:
            stored = await self._find(tenant_id, context.integration_id, session)
            if stored and not stored.identity.agrees_with(previous.identity if previous else identity):
                raise Conflict(f"{stored.name} was connected at this moment by somebody else: try again")
            after = Integration.connect(
                tenant_id, connection, previous=stored or previous, now=now, identity=identity
            )
            credential = {
                "_id": after.integration_id,
                "generation": after.generation,
                "sealed": sealed.to_document(),
            }
            await self._mongo.documents("credentials", tenant_id).put(credential, session=session)
            await self._save(after, [after.connected_event(), after.changed_event()], session)
            return after, True

        return await self._commit(work)

    async def apply(
        self, tenant_id: str, integration_id: str, transition: Callable[[Integration], Integration]
    ) -> Integration:
        """Saves what the transition makes of the integration; a disconnected one loses its credential.

        Raises NotFound.
        """

        async def work(session: Session) -> tuple[Integration, bool]:
            before = await self._find(tenant_id, integration_id, session)
            if before is None:
                raise _unknown(integration_id)
            after = transition(before)
            if after != before:
                await self._save(after, [after.changed_event()], session)
            # Also when nothing changed: whatever is disconnected has no credential.
            if after.status is IntegrationStatus.DISCONNECTED:
                credentials = self._mongo.documents("credentials", tenant_id)
                await credentials.remove({"_id": integration_id}, session=session)
            return after, after != before

        return await self._commit(work)

    async def get(self, tenant_id: str, integration_id: str) -> Integration:
        """Raises NotFound."""
        integration = await self._find(tenant_id, integration_id, None)
        if integration is None:
            raise _unknown(integration_id)
        return integration

    async def list(self, tenant_id: str) -> Sequence[Integration]:
        """By name."""
        rows = await self._mongo.documents("integrations", tenant_id).find(sort=[("name", 1)])
        return [Integration.model_validate(row) for row in rows]

    async def credentials(self, integration: Integration) -> Connection:
        """Returns the credentials in plain text; raises NotFound when they were replaced or destroyed."""
        rows = self._mongo.documents("credentials", integration.tenant_id)
        row = await rows.get(integration.integration_id)
        if row is None or row["generation"] != integration.generation:
            raise NotFound(f"the credentials of {integration.integration_id} were replaced: ask again")
        context = _sealing_context(integration.tenant_id, integration.integration_id)
        plain = await self._sealer.open(context, SealedSecret.from_document(row["sealed"]))
        return CONNECTION_TYPES[integration.provider].model_validate_json(plain)

    async def rewrap_batch(self) -> bool:
        """Moves up to 100 credentials to the current sealing key; returns whether more may be waiting."""
        under_other_key = {"sealed.kid": {"$ne": self._sealer.current_key_id}}
        rows = await self._mongo.all_tenants("credentials").find(under_other_key, limit=_REWRAP_BATCH)
        for row in rows:
            await self._rewrap(row)
        return len(rows) == _REWRAP_BATCH

    async def _rewrap(self, row: dict[str, Any]) -> None:
        context = _sealing_context(row["tenant_id"], row["_id"])
        sealed = await self._sealer.rewrap(context, SealedSecret.from_document(row["sealed"]))
        # The nonce is new with every sealing: it matches unless a person has connected again meanwhile.
        unchanged = {"_id": row["_id"], "sealed.nonce": row["sealed"]["nonce"]}
        credentials = self._mongo.documents("credentials", row["tenant_id"])
        await credentials.change(unchanged, {"$set": {"sealed": sealed.to_document()}})

    async def _find(self, tenant_id: str, integration_id: str, session: Session | None) -> Integration | None:
        row = await self._mongo.documents("integrations", tenant_id).get(integration_id, session=session)
        return Integration.model_validate(row) if row else None

    async def _save(self, integration: Integration, events: Sequence[Message], session: Session) -> None:
        row = {"_id": integration.integration_id} | integration.model_dump(mode="json")
        await self._mongo.documents("integrations", integration.tenant_id).put(row, session=session)
        await self._outbox.add(events, session=session)

    async def _commit(
        self, work: Callable[[Session], Coroutine[Any, Any, tuple[Integration, bool]]]
    ) -> Integration:
        """Saves what `work` makes of an integration, and says whether it is another than before."""
        integration, is_news = await self._mongo.transaction(work)
        # After the commit: the relay would find nothing to send before it.
        self._outbox.wake()
        if is_news:
            self._announce(integration.tenant_id, [integration_news(integration)])
        return integration


def _sealing_context(tenant_id: str, integration_id: str) -> SealingContext:
    return SealingContext(tenant_id, integration_id, "connection")


def _unknown(integration_id: str) -> NotFound:
    return NotFound(f"there is no integration {integration_id}: GET /integrations lists those of your tenant")
