"""Makes a plan of a file of mappings; nothing is decided by it."""

# Invariant: memory holds some hundreds of rows at a time, however large the file is, and of each vendor item
# that was named a short digest. With `complete` the file is taken for all there is to be: what stands and is
# not named is revoked, inside the kind and the vendor that were asked for.

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from matcher.mapping_plans.file_reader import csv_rows, json_rows, require_utf8
from matcher.mapping_plans.file_rows import FileRow
from matcher.mapping_plans.models import MappingPlan, PlanRow, PlanSource, StandingDecision, WantedDecision
from matcher.mapping_plans.outcomes import outcome_of
from matcher.mapping_plans.plan_draft import PlanDraft, PlanOrder
from matcher.mapping_plans.ports import PlanDrafts
from matcher.mapping_plans.resolution import resolve
from matcher.mappings.search import MappingQuery
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, MappingMethod
from shared.runtime.clock import Clock

_ROWS_PER_READ = 500


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """A file, and what it is taken for."""

    tenant_id: str
    by: str
    file_name: str
    is_json: bool = False
    is_complete: bool = False
    kind: MappingKind | None = None
    """With `is_complete`, of which kind the file names everything; None for both."""
    vendor_integration_id: str | None = None
    """The same of a vendor."""


class ImportService:
    """Reads files of mappings and says what they would change."""

    def __init__(self, drafts: PlanDrafts, clock: Clock, new_id: Callable[[], str]) -> None:
        self._drafts, self._clock, self._new_id = drafts, clock, new_id

    async def plan(self, request: ImportRequest, file: BinaryIO) -> MappingPlan:
        """Returns the plan; raises `FileRefused`, with nothing kept, for what cannot be read at all."""
        await asyncio.to_thread(require_utf8, file)
        title = f"imported from {request.file_name}"
        order = PlanOrder(
            request.tenant_id, self._new_id(), PlanSource.IMPORT, title, request.by, self._clock()
        )
        draft = PlanDraft(self._drafts, order)
        rows = json_rows(file) if request.is_json else csv_rows(file)
        while some := await asyncio.to_thread(_take, rows):
            await draft.add(await resolve(draft.reader, some, title))
        if request.is_complete:
            await _revoke_unnamed(draft, request, title)
        return await draft.publish(is_complete=request.is_complete)


def _take(rows: Iterator[FileRow]) -> Sequence[FileRow]:
    return list(islice(rows, _ROWS_PER_READ))


async def _revoke_unnamed(draft: PlanDraft, request: ImportRequest, title: str) -> None:
    wanted = WantedDecision(
        MappingDecision.REVOKED, MappingMethod.IMPORT, reason=f"{title}, which does not name it"
    )
    for decision in (MappingDecision.APPROVED, MappingDecision.EXCLUDED):
        query = MappingQuery(request.tenant_id, request.kind, decision, request.vendor_integration_id)
        async for mappings in draft.reader.stream(query):
            unnamed = [mapping for mapping in mappings if not draft.names(mapping.key)]
            first = draft.rows + 1
            await draft.add([row_of(one, wanted, first + place) for place, one in enumerate(unnamed)])


def row_of(
    mapping: MappingDecided, wanted: WantedDecision, number: int, sentence: str | None = None
) -> PlanRow:
    """Returns the row that decides anew on what a mapping is about."""
    standing = StandingDecision.of(mapping)
    return PlanRow(
        number=number,
        outcome=outcome_of(standing, wanted),
        kind=mapping.kind,
        vendor_integration_id=mapping.vendor_integration_id,
        vendor_id=mapping.vendor_id,
        key=mapping.key,
        standing=standing,
        wanted=wanted,
        sentence=sentence,
    )
