"""Writes all decisions as a file, which can be imported again."""

# Invariant: a file that is imported as it was exported changes nothing. Left out is what decides nothing:
# revoked by the exact rule, or back to before the first decision. A revocation by a person is in it, for it
# bars the exact rule. While a large plan is half applied there is no export, for half of it would be no state
# that anybody wanted.

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import asdict
from enum import StrEnum

from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS, Item, ItemKind
from matcher.mapping_plans.file_rows import COLUMNS, FileRow, guarded
from matcher.mapping_plans.ports import PlanDrafts, PlanReader
from matcher.mappings.models import MappingsReserved
from matcher.mappings.search import MappingQuery
from shared.contracts.base import key_of
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingMethod


class FileFormat(StrEnum):
    """How a file of mappings is written."""

    CSV = "csv"
    JSON = "json"


_MARK = "\ufeff"
"""Tells a spreadsheet that the file is UTF-8."""


class ExportService:
    """Reads decisions as rows of a file."""

    def __init__(self, drafts: PlanDrafts) -> None:
        self._drafts = drafts

    async def rows(self, query: MappingQuery) -> AsyncIterator[list[FileRow]]:
        """Returns an iterator over the rows; raises `MappingsReserved` while a plan is half applied."""
        reader = self._drafts.reader(query.tenant_id)
        if reservation := await reader.reservation():
            raise MappingsReserved(reservation)
        return _rows(reader, query)


async def csv_text(rows: AsyncIterator[list[FileRow]]) -> AsyncIterator[str]:
    """Yields the parts of a CSV file, the first of which names the columns."""
    yield _MARK + ",".join(COLUMNS) + "\r\n"
    async for some in rows:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerows([guarded(getattr(row, name)) for name in COLUMNS] for row in some)
        yield text.getvalue()


async def json_text(rows: AsyncIterator[list[FileRow]]) -> AsyncIterator[str]:
    """Yields the parts of a JSON array with an object for each row."""
    before = "[\n"
    async for some in rows:
        for row in some:
            cells = asdict(row)
            yield before + json.dumps({name: cells[name] or None for name in COLUMNS}, ensure_ascii=False)
            before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


async def _rows(reader: PlanReader, query: MappingQuery) -> AsyncIterator[list[FileRow]]:
    async with aclosing(reader.stream(query)) as pages:  # whoever asked may go away in the middle
        async for mappings in pages:
            yield await file_rows(reader, [one for one in mappings if _says_something(one)])


async def file_rows(reader: PlanReader, mappings: Sequence[MappingDecided]) -> list[FileRow]:
    """Returns mappings as rows, with the present names and codes of their ends."""
    items: dict[tuple[ItemKind, str], Item] = {}
    for kinds, side in ((VENDOR_KINDS, "vendor"), (PSA_KINDS, "psa")):
        for mapping_kind, kind in kinds.items():
            keys = [_end_key(one, side) for one in mappings if one.kind is mapping_kind]
            items |= {(kind, item.key): item for item in await reader.items(kind, keys)}
    return [
        _file_row(
            one,
            items.get((VENDOR_KINDS[one.kind], _end_key(one, "vendor"))),
            items.get((PSA_KINDS[one.kind], _end_key(one, "psa"))),
        )
        for one in mappings
    ]


def _says_something(mapping: MappingDecided) -> bool:
    return (mapping.decision, mapping.method) != (MappingDecision.REVOKED, MappingMethod.EXACT)


def _end_key(mapping: MappingDecided, side: str) -> str:
    ends = getattr(mapping, f"{side}_integration_id"), getattr(mapping, f"{side}_id")
    return key_of(mapping.tenant_id, *(end or "" for end in ends))


def _file_row(mapping: MappingDecided, vendor: Item | None, psa: Item | None) -> FileRow:
    return FileRow(
        kind=mapping.kind.value,
        decision=mapping.decision.value,
        vendor_provider=mapping.vendor_provider,
        vendor_realm=mapping.vendor_realm,
        vendor_integration_id=mapping.vendor_integration_id,
        vendor_id=mapping.vendor_id,
        vendor_code=(vendor.code or "") if vendor else "",
        vendor_name=vendor.name if vendor else "",
        psa_provider=mapping.psa_provider or "",
        psa_realm=mapping.psa_realm or "",
        psa_integration_id=mapping.psa_integration_id or "",
        psa_id=mapping.psa_id or "",
        psa_code=(psa.code or "") if psa else "",
        psa_name=psa.name if psa else "",
        method=mapping.method.value,
        reason=mapping.reason or "",
        decided_by=mapping.decided_by,
        decided_at=mapping.decided_at.isoformat(),
        revision=str(mapping.revision),
    )
