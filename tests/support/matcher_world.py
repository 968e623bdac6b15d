"""Matcher's verbs on one store, for tests that tell a story."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matcher_store import MemoryStore
from matching import NOW, PSA, VENDOR

from matcher.repository import MongoStore
from matcher.service.deciding import Deciding, PsaItem, Subject
from matcher.service.finishing import Finishing, Wish
from matcher.service.matching import Matching
from matcher.service.observing import Observing
from matcher.service.ports import Store
from shared.contracts import MESSAGES, Message
from shared.contracts.auth import IntegrationChanged
from shared.contracts.matcher import Decision, MappingDecided, MappingFinished, MappingKind
from shared.mongo import Mongo
from shared.outbox import Outbox


@dataclass
class World:
    """What happens to matcher, in the order in which a test says it."""

    store: Store
    said: Callable[[], Awaitable[list[Message]]]
    """Everything published so far, oldest first."""
    finishes: int = 0

    async def hears(self, *seen: Any) -> None:
        """Store what is told, and match until nothing waits."""
        await self.keeps(seen)
        await self.matches()

    async def keeps(self, seen: Sequence[Any]) -> None:
        """Store what is told, message by message, and match nothing yet."""
        observing = Observing(self.store, lambda: None)
        for one in seen:
            if isinstance(one, IntegrationChanged):
                await observing.integrations([one])
            else:
                await observing.items([one])

    async def matches(self) -> None:
        matching = Matching(self.store, lambda: NOW)
        while await matching.step():
            pass

    async def maps(
        self, vendor_id: str, psa_id: str, kind: str = "account", psa: str = PSA
    ) -> MappingDecided:
        return await self._deciding().approve(_subject(kind, vendor_id), PsaItem(psa, psa_id), "ann")

    async def excludes(self, vendor_id: str, reason: str = "internal") -> MappingDecided:
        return await self._deciding().exclude(_subject("account", vendor_id), reason, "ann")

    async def revokes(self, vendor_id: str) -> MappingDecided:
        return await self._deciding().revoke(_subject("account", vendor_id), "ann")

    async def finish(self, key: str | None = None, psa: str = PSA) -> MappingFinished:
        wish = Wish("demo", VENDOR, psa, "ann", key)
        return await Finishing(self.store, lambda: NOW, self._new_id).finish(wish)

    async def standing(self) -> dict[str, MappingDecided]:
        """By vendor id, what a reader of the topic believes."""
        decided = [message for message in await self.said() if isinstance(message, MappingDecided)]
        return {mapping.vendor_id: mapping for mapping in decided}

    async def mapped(self) -> dict[str, str | None]:
        """Vendor id to PSA id."""
        standing = await self.standing()
        return {id_: m.psa_id for id_, m in standing.items() if m.decision is Decision.APPROVED}

    def _deciding(self) -> Deciding:
        return Deciding(self.store, lambda: NOW)

    def _new_id(self) -> str:
        self.finishes += 1
        return f"fin_{self.finishes}"


def memory_world() -> World:
    """On the store in memory."""
    store = MemoryStore()

    async def said() -> list[Message]:
        return list(store.of().said)

    return World(store, said)


def mongo_world(mongo: Mongo) -> World:
    """On the real store; what is said is what waits in the outbox."""
    models = {message.topic: message for message in MESSAGES}

    async def said() -> list[Message]:
        rows = await mongo.all_tenants("outbox").find(sort=[("seq", 1)])
        return [models[row["topic"]].model_validate_json(row["body"]) for row in rows]

    return World(MongoStore(mongo, Outbox(mongo, "matcher")), said)


def _subject(kind: str, vendor_id: str) -> Subject:
    return Subject("demo", MappingKind(kind), VENDOR, vendor_id)
