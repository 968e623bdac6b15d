"""Matcher's verbs on one store, for tests that tell a story."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from catalogue_builders import NOW, PSA, VENDOR
from matcher_store import MemoryStore

from matcher.catalogue.ingestor import ItemIngestor
from matcher.finishing.service import FinishRequest, FinishService
from matcher.mappings.exact_matcher import ExactMatcher
from matcher.mappings.ports import MatcherStore
from matcher.mappings.repository import MongoMatcherStore
from matcher.mappings.service import MappingService, PsaItemRef, VendorItemRef
from shared.contracts import MESSAGES, Message
from shared.contracts.auth import IntegrationChanged
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingFinished, MappingKind
from shared.mongo import Mongo
from shared.outbox import Outbox


@dataclass
class World:
    """What happens to matcher, in the order in which a test says it."""

    store: MatcherStore
    said: Callable[[], Awaitable[list[Message]]]
    """Everything published so far, oldest first."""
    finishes: int = 0

    async def hears(self, *seen: Any) -> None:
        """Store what is told, and match until nothing waits."""
        await self.keeps(seen)
        await self.matches()

    async def keeps(self, seen: Sequence[Any]) -> None:
        """Store what is told, message by message, and match nothing yet."""
        observing = ItemIngestor(self.store, lambda: None)
        for one in seen:
            if isinstance(one, IntegrationChanged):
                await observing.integrations([one])
            else:
                await observing.items([one])

    async def matches(self) -> None:
        matching = ExactMatcher(self.store, lambda: NOW)
        while await matching.step():
            pass

    async def maps(
        self, vendor_id: str, psa_id: str, kind: str = "account", psa: str = PSA
    ) -> MappingDecided:
        return await self._deciding().approve(_subject(kind, vendor_id), PsaItemRef(psa, psa_id), "ann")

    async def excludes(self, vendor_id: str, reason: str = "internal") -> MappingDecided:
        return await self._deciding().exclude(_subject("account", vendor_id), reason, "ann")

    async def revokes(self, vendor_id: str) -> MappingDecided:
        return await self._deciding().revoke(_subject("account", vendor_id), "ann")

    async def finish(self, key: str | None = None, psa: str = PSA) -> MappingFinished:
        wish = FinishRequest("demo", VENDOR, psa, "ann", key)
        return await FinishService(self.store, lambda: NOW, self._new_id).finish(wish)

    async def standing(self) -> dict[str, MappingDecided]:
        """By vendor id, what a reader of the topic believes."""
        decided = [message for message in await self.said() if isinstance(message, MappingDecided)]
        return {mapping.vendor_id: mapping for mapping in decided}

    async def mapped(self) -> dict[str, str | None]:
        """Vendor id to PSA id."""
        standing = await self.standing()
        return {id_: m.psa_id for id_, m in standing.items() if m.decision is MappingDecision.APPROVED}

    def _deciding(self) -> MappingService:
        return MappingService(self.store, lambda: NOW)

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

    return World(MongoMatcherStore(mongo, Outbox(mongo, "matcher")), said)


def _subject(kind: str, vendor_id: str) -> VendorItemRef:
    return VendorItemRef("demo", MappingKind(kind), VENDOR, vendor_id)
