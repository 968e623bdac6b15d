"""Matcher's use cases on one store, for tests that tell a story."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from catalogue_builders import NOW, PSA, VENDOR
from ended_runs import EndedRuns
from matcher_proposals import EngineHere, MemoryPasses
from matcher_store import MemoryStore

from matcher.catalogue.ingestor import ItemIngestor
from matcher.catalogue.items import VendorItemRef
from matcher.catalogue.ports import Catalogue, MappingReader
from matcher.catalogue.repository import MongoCatalogue
from matcher.finishing.models import FinishRequest
from matcher.finishing.ports import FinishStore
from matcher.finishing.repository import MongoFinishStore
from matcher.finishing.service import FinishService
from matcher.mappings.exact_matcher import ExactMatcher
from matcher.mappings.inventory_check import InventoryCheck
from matcher.mappings.models import (
    Choice,
    Exclude,
    ItemDecision,
    MapTo,
    PsaItemRef,
    Revoke,
    Undo,
)
from matcher.mappings.ports import MappingStore
from matcher.mappings.repository import MongoMappings, MongoMappingStore
from matcher.mappings.service import MappingService
from matcher.mappings.tenant_lock import TenantLock
from matcher.proposals.count_board import CountReader
from matcher.proposals.ports import PassStore
from matcher.proposals.recomputation import ProposalRecomputation
from matcher.proposals.repository import MongoPasses
from shared.contracts import MESSAGES, Message
from shared.contracts.auth import IntegrationChanged
from shared.contracts.matcher import (
    MappingDecided,
    MappingDecision,
    MappingFinished,
    MappingKind,
    MappingsProposed,
)
from shared.contracts.run_end import RunFinished
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.clock import utc_now


class CountedPasses(PassStore, CountReader, Protocol):
    """The passes of one store, and what they counted."""


@dataclass
class MatcherWorld:
    """What happens to matcher, in the order in which a test says it."""

    catalogue: Catalogue
    mappings: MappingReader
    store: MappingStore
    finishes: FinishStore
    passes: CountedPasses
    published: Callable[[], Awaitable[list[Message]]]
    """Returns everything published so far, oldest first."""
    engine: EngineHere = field(default_factory=EngineHere)
    runs: EndedRuns = field(default_factory=EndedRuns)
    now: datetime = NOW
    _finish_ids: int = 0
    _recomputation: tuple[EngineHere, ProposalRecomputation] | None = None
    """Goes on from pass to pass, as that of a replica does."""

    async def receive(self, *messages: Any) -> None:
        """Ingest the messages, end a complete run of each integration, and match until nothing waits."""
        await self.ingest(messages)
        await self.close()
        await self.match()

    async def close(self, *integration_ids: str) -> None:
        """End a complete run of these integrations, of all by default: what was ingested is all there is."""
        await self.ingest(self.runs.end(*integration_ids))

    async def ingest(self, messages: Sequence[Any]) -> None:
        """Store what the messages say, one by one, and match nothing yet."""
        ingestor = ItemIngestor(self.catalogue, lambda: None, lambda: self.now)
        for message in messages:
            self.runs.note(message)
            if isinstance(message, IntegrationChanged):
                await ingestor.ingest_integrations([message])
            elif isinstance(message, RunFinished):
                await ingestor.ingest_runs([message])
            else:
                await ingestor.ingest_items([message])

    async def match(self) -> None:
        await InventoryCheck(self.catalogue, self.store, lambda: self.now, lambda: None).check_next()
        matcher = ExactMatcher(self.store, lambda: self.now)
        while await matcher.process_next():
            pass

    async def propose(self) -> None:
        """Compute proposals until nothing waits, without waiting for more news."""
        if self._recomputation is None or self._recomputation[0] is not self.engine:
            computing = ProposalRecomputation(
                self.passes, self.mappings, self.engine, utc_now, quiet=timedelta(0)
            )
            self._recomputation = self.engine, computing
        while await self._recomputation[1].process_next():
            pass

    async def proposed(self, tenant_id: str = "demo") -> dict[str, list[str]]:
        """By vendor id, the PSA ids of what a reader of the topic believes to be proposed."""
        told = [message for message in await self.published() if isinstance(message, MappingsProposed)]
        newest = {one.vendor_id: one for one in told if one.tenant_id == tenant_id}
        return {id_: [item.psa_id for item in one.proposals] for id_, one in newest.items() if one.proposals}

    async def approve(
        self, vendor_id: str, psa_id: str, kind: str = "account", psa: str = PSA
    ) -> MappingDecided:
        return await self.decide(vendor_id, MapTo(PsaItemRef(psa, psa_id)), kind=kind)

    async def exclude(self, vendor_id: str, reason: str = "internal") -> MappingDecided:
        return await self.decide(vendor_id, Exclude(reason))

    async def revoke(self, vendor_id: str) -> MappingDecided:
        return await self.decide(vendor_id, Revoke())

    async def undo(self, decision: MappingDecided, by: str = "ann") -> MappingDecided:
        """Take a decision back, and match what that concerns."""
        undone = await self.decide(decision.vendor_id, Undo(), saw=decision.revision, by=by)
        await self.match()
        return undone

    async def decide(
        self,
        vendor_id: str,
        choice: Choice,
        *,
        kind: str = "account",
        by: str = "ann",
        saw: int | None = None,
        key: str | None = None,
    ) -> MappingDecided:
        request = ItemDecision(a_ref(vendor_id, kind), choice, by, saw)
        return await MappingService(self.store, lambda: self.now).decide(request, key)

    async def finish(self, key: str | None = None, psa: str = PSA) -> MappingFinished:
        request = FinishRequest("demo", VENDOR, psa, "ann", key)
        return await FinishService(self.finishes, lambda: self.now, self._new_finish_id).finish(request)

    async def newest_mappings(self) -> dict[str, MappingDecided]:
        """By vendor id, what a reader of the topic believes."""
        decided = [message for message in await self.published() if isinstance(message, MappingDecided)]
        return {mapping.vendor_id: mapping for mapping in decided}

    async def mapped(self) -> dict[str, str | None]:
        """PSA id by vendor id."""
        mappings = await self.newest_mappings()
        return {id_: m.psa_id for id_, m in mappings.items() if m.decision is MappingDecision.APPROVED}

    def _new_finish_id(self) -> str:
        self._finish_ids += 1
        return f"fin_{self._finish_ids}"


def memory_world() -> MatcherWorld:
    """On the stores in memory."""
    store = MemoryStore()

    async def published() -> list[Message]:
        return list(store.of().published)

    return MatcherWorld(store, store, store, store, MemoryPasses(store, utc_now), published)


def mongo_world(mongo: Mongo) -> MatcherWorld:
    """On the real stores; what waits in the outbox is taken as published."""
    models = {message.topic: message for message in MESSAGES}
    outbox = Outbox(mongo, "matcher")
    lock = TenantLock(mongo, outbox)
    finishes = MongoFinishStore(mongo, outbox, lock)
    store = MongoMappingStore(mongo, outbox, lock, finishes.finished_integrations)

    async def published() -> list[Message]:
        rows = await mongo.all_tenants("outbox").find(sort=[("seq", 1)])
        return [models[row["topic"]].model_validate_json(row["body"]) for row in rows]

    catalogue, passes = MongoCatalogue(mongo), MongoPasses(mongo, outbox, utc_now)
    return MatcherWorld(catalogue, MongoMappings(mongo), store, finishes, passes, published)


def a_ref(vendor_id: str, kind: str = "account") -> VendorItemRef:
    return VendorItemRef("demo", MappingKind(kind), VENDOR, vendor_id)
