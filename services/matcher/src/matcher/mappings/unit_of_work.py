"""One tenant's state inside one transaction."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from matcher.catalogue.items import IntegrationInfo, Item, ItemKind, Labels, MatchWork
from matcher.mappings.documents import (
    finish_document,
    finish_from,
    integration_from,
    item_from,
    labels_document,
    labels_from,
    labels_id,
    mapping_document,
    mapping_from,
    mark_from,
    mark_rows,
)
from matcher.mappings.indexes import FINISHES, INTEGRATIONS, LABELS, MAPPINGS, MARKS
from matcher.mappings.ports import FinishRecord
from shared.contracts.base import key_of
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind
from shared.mongo import Document, Documents, Mongo, Put, Session
from shared.outbox import Outbox


class MongoUnitOfWork:
    """Reads and writes of a turn; all share the session."""

    def __init__(self, mongo: Mongo, outbox: Outbox, tenant_id: str, session: Session) -> None:
        self._mongo, self._outbox = mongo, outbox
        self._tenant_id, self._session = tenant_id, session

    async def marks(self, *, limit: int) -> list[MatchWork]:
        rows = await self._rows(MARKS).find(sort=[("_id", 1)], limit=limit, session=self._session)
        return [mark_from(row) for row in rows]

    async def add_marks(self, marks: Sequence[MatchWork]) -> None:
        await self._rows(MARKS).insert_many(mark_rows(marks), session=self._session)

    async def remove_marks(self, marks: Sequence[MatchWork]) -> None:
        ids = [mark.id for mark in marks]
        await self._rows(MARKS).remove({"_id": {"$in": ids}}, session=self._session)

    async def keys_of(self, shelf: ItemKind, integration_id: str) -> list[str]:
        rows = await self._rows(shelf).find(
            {"integration_id": integration_id}, fields=["_id"], session=self._session
        )
        return [row["_id"] for row in rows]

    async def items(self, shelf: ItemKind, keys: Collection[str]) -> list[Item]:
        return [item_from(shelf, row) for row in await self._among(shelf, "_id", keys)]

    async def called(self, shelf: ItemKind, labels: Labels) -> list[Item]:
        """Two questions rather than one `$or`: each has its own index."""
        rows = await self._among(shelf, "name", labels.names)
        rows += await self._among(shelf, "part_number", labels.codes)
        return list({row["_id"]: item_from(shelf, row) for row in rows}.values())

    async def former_labels(self, shelf: ItemKind, keys: Collection[str]) -> dict[str, Labels]:
        ids = {labels_id(shelf, key): key for key in keys}
        return {ids[row["_id"]]: labels_from(row) for row in await self._among(LABELS, "_id", ids)}

    async def remember_labels(
        self, shelf: ItemKind, fresh: Mapping[str, Labels], renamed: Mapping[str, Labels]
    ) -> None:
        await self._write(
            LABELS,
            [labels_document(shelf, key, labels) for key, labels in fresh.items()],
            [labels_document(shelf, key, labels) for key, labels in renamed.items()],
        )

    async def integrations(self) -> dict[str, IntegrationInfo]:
        rows = await self._rows(INTEGRATIONS).find(session=self._session)
        return {row["integration_id"]: integration_from(row) for row in rows}

    async def finished(self) -> frozenset[str]:
        rows = await self._rows(FINISHES).find(fields=["event.vendor_integration_id"], session=self._session)
        return frozenset(row["event"]["vendor_integration_id"] for row in rows)

    async def mappings(self, keys: Collection[str]) -> dict[str, MappingDecided]:
        return {row["_id"]: mapping_from(row) for row in await self._among(MAPPINGS, "_id", keys)}

    async def record(self, mappings: Sequence[MappingDecided]) -> None:
        first = [mapping_document(mapping) for mapping in mappings if mapping.revision == 1]
        later = [mapping_document(mapping) for mapping in mappings if mapping.revision > 1]
        await self._write(MAPPINGS, first, later)
        await self._outbox.add(mappings, session=self._session)

    async def approved(self, vendor_integration_id: str, psa_integration_id: str) -> dict[MappingKind, int]:
        rows = await self._decided(vendor_integration_id, MappingDecision.APPROVED)
        return Counter(MappingKind(r["kind"]) for r in rows if r["psa_integration_id"] == psa_integration_id)

    async def excluded(self, vendor_integration_id: str) -> dict[MappingKind, int]:
        rows = await self._decided(vendor_integration_id, MappingDecision.EXCLUDED)
        return Counter(MappingKind(row["kind"]) for row in rows)

    async def finish(self, finish_id: str) -> FinishRecord | None:
        row = await self._rows(FINISHES).get(self._finish_key(finish_id), session=self._session)
        return finish_from(row) if row else None

    async def record_finish(self, finish: FinishRecord) -> None:
        row = finish_document(finish, self._finish_key(finish.id))
        await self._rows(FINISHES).insert(row, session=self._session)
        await self._outbox.add([finish.event], session=self._session)

    def _rows(self, name: str) -> Documents:
        return self._mongo.documents(name, self._tenant_id)

    def _finish_key(self, finish_id: str) -> str:
        return key_of(self._tenant_id, finish_id)

    async def _among(self, name: str, field: str, values: Collection[str]) -> list[Document]:
        return await self._rows(name).find_in(field, values, session=self._session)

    async def _decided(self, vendor_integration_id: str, decision: MappingDecision) -> list[Document]:
        of = {"vendor_integration_id": vendor_integration_id, "decision": decision.value}
        fields = ["kind", "psa_integration_id"]
        return await self._rows(MAPPINGS).find(of, fields=fields, session=self._session)

    async def _write(self, name: str, new: Sequence[Document], known: Sequence[Document]) -> None:
        """Inserts are several times as fast as upserts, and a turn knows which is which."""
        await self._rows(name).insert_many(new, session=self._session)
        await self._rows(name).bulk([Put(document) for document in known], session=self._session)
