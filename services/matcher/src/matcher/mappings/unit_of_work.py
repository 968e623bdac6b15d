"""One tenant's items, mappings, labels and work inside one transaction."""

# Invariant: a decision, the message that announces it, and the completion of the work that led to it are
# stored together or not at all. Every call shares the session of `TenantLock`, whose first statement is a
# write (`tenant_lock.py` says why), so that what is read here stays true until the commit:
#
#   lock t1   read the queue: [a]   read items 1, 9   record "1 → 9" with its message   complete [a]   commit
#
# So is a decision that it replaces, which goes into the history: what stands is not in there.
#
# While a plan of many rows is being applied, nobody else decides (`require_unreserved`); what was published
# before the database was restored is brought back all the same.

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence

from matcher.catalogue.indexes import INVENTORIES
from matcher.catalogue.inventory import Inventory
from matcher.catalogue.item_forms import all_forms_are_new
from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS, ItemKind, Labels
from matcher.catalogue.missing_items import MissingItems
from matcher.catalogue.repository import TenantCatalogue, match_queue
from matcher.mappings.documents import (
    history_document,
    history_id,
    labels_document,
    labels_from,
    labels_id,
    mapping_document,
    mapping_from,
    record_document,
    record_from,
    reservation_from,
    settings_document,
    settings_from,
)
from matcher.mappings.indexes import HISTORY, LABELS, MAPPINGS, RECORDS, SETTINGS, TURNS, UNDECIDED
from matcher.mappings.models import DecisionRecord, MappingsReserved, MatchingSettings, Reservation
from matcher.proposals.repository import proposal_queue
from matcher.proposals.suggestions import PROPOSALS
from shared.contracts.base import key_of
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, MatchingSettingsChanged
from shared.mongo import Document, Mongo, Put, Session, Update
from shared.outbox import Outbox
from shared.work_queue import WorkItem

FinishedIntegrations = Callable[[str, Session], Awaitable[frozenset[str]]]
"""Returns a tenant's vendor integrations whose mapping a person has finished; `finishing` provides it."""


class MongoUnitOfWork(TenantCatalogue):
    """Reads and writes of one transaction."""

    def __init__(
        self,
        mongo: Mongo,
        outbox: Outbox,
        tenant_id: str,
        session: Session,
        *,
        finished: FinishedIntegrations,
    ) -> None:
        super().__init__(mongo, tenant_id, session)
        self._outbox, self._queue, self._finished = outbox, match_queue(mongo), finished
        self._proposal_queue = proposal_queue(mongo)
        self._missing = MissingItems(mongo, tenant_id, session)
        self._marked = set[MappingKind]()
        self.recorded: list[MappingDecided] = []
        """The decisions made in here: news once the transaction is committed."""
        self._reserved_by: str | None = None
        """The plan that this unit of work is a part of, for which the mappings may be reserved."""

    async def read_due(self, *, limit: int) -> list[WorkItem]:
        return await self._queue.read_due(self._tenant_id, limit=limit, session=self._session)

    async def enqueue(self, lane: str, keys: Iterable[str]) -> None:
        await self._queue.enqueue(self._tenant_id, lane, keys, session=self._session)

    async def complete(self, work: Sequence[WorkItem]) -> None:
        ids = [work_item.id for work_item in work]
        await self._queue.complete(self._tenant_id, ids, session=self._session)
        # What was matched anew has changed, so what is proposed may have; news of items comes by here alone.
        lanes = {work_item.lane for work_item in work}
        for kind in lanes & {*ItemKind}:
            keys = {key for work_item in work if work_item.lane == kind for key in work_item.keys}
            await self._missing.forget(ItemKind(kind), keys)
        await self._mark({kind.mapping_kind for kind in ItemKind if lanes & {kind, kind.integration_lane}})

    async def former_labels(self, kind: ItemKind, keys: Collection[str]) -> dict[str, Labels]:
        key_by_id = {labels_id(kind, key): key for key in keys}
        return {
            key_by_id[row["_id"]]: labels_from(row) for row in await self._find_in(LABELS, "_id", key_by_id)
        }

    async def store_labels(
        self, kind: ItemKind, new: Mapping[str, Labels], changed: Mapping[str, Labels]
    ) -> None:
        await self._write(
            LABELS,
            [labels_document(kind, key, labels) for key, labels in new.items()],
            [labels_document(kind, key, labels) for key, labels in changed.items()],
        )

    async def mark_verified(self, inventory: Inventory) -> None:
        same = {"_id": inventory.key, "revision": inventory.revision}
        await self._rows(INVENTORIES).change(same, {"$set": {"verified": True}}, session=self._session)

    async def note_undecided(self, kind: ItemKind, vendor_integration_ids: Collection[str]) -> None:
        documents = [
            {
                "_id": key_of(self._tenant_id, kind, integration_id),
                "kind": kind.value,
                "integration_id": integration_id,
            }
            for integration_id in vendor_integration_ids
        ]
        await self._rows(UNDECIDED).bulk([Put(document) for document in documents], session=self._session)

    async def undecided_vendors(self, kind: ItemKind) -> list[str]:
        rows = await self._rows(UNDECIDED).find({"kind": kind.value}, session=self._session)
        return [row["integration_id"] for row in rows]

    async def forget_undecided(self, kind: ItemKind, vendor_integration_ids: Collection[str]) -> None:
        ids = [key_of(self._tenant_id, kind, integration_id) for integration_id in vendor_integration_ids]
        await self._rows(UNDECIDED).remove_many(ids, session=self._session)

    async def finished_integrations(self) -> frozenset[str]:
        return await self._finished(self._tenant_id, self._session)

    async def mappings(self, keys: Collection[str]) -> dict[str, MappingDecided]:
        return {row["_id"]: mapping_from(row) for row in await self._find_in(MAPPINGS, "_id", keys)}

    async def included_services(self, source: MappingDecided) -> list[MappingDecided]:
        filter_ = {
            "rules.included_in": source.vendor_id,
            "vendor_provider": source.vendor_provider,
            "vendor_realm": source.vendor_realm,
            "decision": MappingDecision.APPROVED.value,
        }
        rows = await self._rows(MAPPINGS).find(filter_, sort=[("_id", 1)], session=self._session)
        return [mapping_from(row) for row in rows]

    async def is_proposed(self, key: str, psa_integration_id: str, psa_id: str) -> bool:
        row = await self._rows(PROPOSALS).get(key, session=self._session)
        ends = [(one["psa_integration_id"], one["psa_id"]) for one in row["proposals"]] if row else []
        return (psa_integration_id, psa_id) in ends

    async def record_mappings(
        self, mappings: Sequence[MappingDecided], *, existing: Mapping[str, MappingDecided]
    ) -> None:
        if mappings:
            await self.require_unreserved()
        await self._replace(mappings, existing)
        await self._outbox.add(mappings, session=self._session)
        self.recorded += mappings

    async def reservation(self) -> Reservation | None:
        """Returns for what the tenant's mappings are reserved."""
        row = await self._rows(TURNS).get(self._tenant_id, session=self._session)
        return reservation_from(row["reserved"]) if row and row.get("reserved") else None

    async def require_unreserved(self) -> None:
        """Raises `MappingsReserved` while another change than this unit of work's own is half made."""
        reservation = await self.reservation()
        if reservation and reservation.plan_id != self._reserved_by:
            raise MappingsReserved(reservation)

    async def matching_settings(self) -> MatchingSettings:
        return settings_from(await self._rows(SETTINGS).get(self._tenant_id, session=self._session))

    async def has_normal_names(self) -> bool:
        return await all_forms_are_new(self._mongo, self._session)

    async def record_settings(self, told: MatchingSettingsChanged) -> None:
        await self._rows(SETTINGS).put(settings_document(told), session=self._session)
        await self._outbox.add([told], session=self._session)

    async def restore_mappings(
        self, mappings: Sequence[MappingDecided], *, existing: Mapping[str, MappingDecided]
    ) -> None:
        await self._replace(mappings, existing)
        for kind in MappingKind:
            of_kind = [mapping for mapping in mappings if mapping.kind is kind]
            ends = {(one.vendor_integration_id, one.vendor_id) for one in of_kind}
            await self._missing.note(VENDOR_KINDS[kind], ends)
            targets = {(one.psa_integration_id or "", one.psa_id or "") for one in of_kind if one.psa_id}
            await self._missing.note(PSA_KINDS[kind], targets)

    async def replaced_revisions(self, mappings: Collection[MappingDecided]) -> set[tuple[str, int]]:
        ids = [history_id(mapping) for mapping in mappings]
        found = await self._rows(HISTORY).get_many(ids, fields=["key", "revision"], session=self._session)
        return {(row["key"], row["revision"]) for row in found.values()}

    async def decision_record(self, record_id: str) -> DecisionRecord | None:
        row = await self._rows(RECORDS).get(record_id, session=self._session)
        return record_from(row) if row else None

    async def record_outcomes(self, record: DecisionRecord) -> None:
        await self._rows(RECORDS).insert(record_document(record), session=self._session)

    async def approved_counts(
        self, vendor_integration_id: str, psa_integration_id: str
    ) -> dict[MappingKind, int]:
        rows = await self._decided(vendor_integration_id, MappingDecision.APPROVED)
        return Counter(
            MappingKind(row["kind"]) for row in rows if row["psa_integration_id"] == psa_integration_id
        )

    async def excluded_counts(self, vendor_integration_id: str) -> dict[MappingKind, int]:
        rows = await self._decided(vendor_integration_id, MappingDecision.EXCLUDED)
        return Counter(MappingKind(row["kind"]) for row in rows)

    async def _decided(self, vendor_integration_id: str, decision: MappingDecision) -> list[Document]:
        filter_ = {"vendor_integration_id": vendor_integration_id, "decision": decision.value}
        fields = ["kind", "psa_integration_id"]
        return await self._rows(MAPPINGS).find(filter_, fields=fields, session=self._session)

    async def _replace(
        self, mappings: Sequence[MappingDecided], existing: Mapping[str, MappingDecided]
    ) -> None:
        superseded = [existing[mapping.key] for mapping in mappings if mapping.key in existing]
        new = [mapping_document(mapping) for mapping in mappings if mapping.key not in existing]
        changed = [mapping_document(mapping) for mapping in mappings if mapping.key in existing]
        # Put, not inserted: a database that was restored may tell of a decision a second time.
        history = [Put(history_document(mapping)) for mapping in superseded]
        await self._rows(HISTORY).bulk(history, session=self._session)
        await self._write(MAPPINGS, new, changed)
        await self._flag_proposals(mappings)
        await self._mark({mapping.kind for mapping in mappings})

    async def _flag_proposals(self, mappings: Sequence[MappingDecided]) -> None:
        """Notes at what is proposed whether it is decided: it is stated as nothing by the next pass only."""
        is_decided = {one.key: one.decision is not MappingDecision.REVOKED for one in mappings}
        rows, waiting = self._rows(PROPOSALS), {"is_empty": False}
        found = await rows.find_in("_id", is_decided, where=waiting, fields=["_id"], session=self._session)
        flags = [(row["_id"], {"$set": {"is_decided": is_decided[row["_id"]]}}) for row in found]
        await rows.bulk([Update({"_id": id_}, flag) for id_, flag in flags], session=self._session)

    async def _mark(self, kinds: Collection[MappingKind]) -> None:
        """Has what is proposed of these kinds computed anew, once for all changes of the unit of work."""
        for kind in sorted(set(kinds) - self._marked):
            await self._proposal_queue.enqueue(self._tenant_id, kind, [kind], session=self._session)
            self._marked.add(kind)

    async def _write(self, collection: str, new: Sequence[Document], changed: Sequence[Document]) -> None:
        # Inserts are several times as fast as upserts, and under the lock one knows which documents are new.
        await self._rows(collection).insert_many(new, session=self._session)
        await self._rows(collection).bulk([Put(document) for document in changed], session=self._session)
