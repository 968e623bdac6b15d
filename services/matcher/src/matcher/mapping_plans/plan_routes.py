"""HTTP in: mappings as files, a change of PSA, and the plans that both make."""

import asyncio
import tempfile
from collections.abc import Sequence
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from matcher.catalogue.ports import Catalogue
from matcher.mapping_plans.application import PlanApplier
from matcher.mapping_plans.end_names import load_names
from matcher.mapping_plans.exports import ExportService, FileFormat, csv_text, json_text
from matcher.mapping_plans.imports import ImportRequest, ImportService
from matcher.mapping_plans.models import FileRefused, PlanOutdated, PlanRow, PlanState
from matcher.mapping_plans.relinks import RelinkService
from matcher.mapping_plans.repository import MongoPlans
from matcher.mapping_plans.requests import (
    CSV_FILE,
    JSON_FILE,
    ApplyBody,
    ExportParameters,
    ImportParameters,
    PlanParameters,
    RelinkBody,
)
from matcher.mapping_plans.responses import PlanConflict, PlanPage, PlanResponse, PlanRowResponse, row_refs
from shared.limits.http import IMPORT_BODY_BYTES
from shared.web.fair_share import Caller, authenticated_caller, authenticated_first
from shared.web.openapi import Responses, described_router, problem_response, problem_responses
from shared.web.pagination import encode_cursor
from shared.web.person import Person
from shared.web.problems import Problem
from shared.web.requests import Id, IdempotencyKey

_TYPES = {FileFormat.CSV: "text/csv", FileFormat.JSON: "application/json"}
_RESERVED = "A large change of the mappings is half made"
_CONTENT = {"text/csv": {"schema": CSV_FILE}, "application/json": {"schema": JSON_FILE}}
_FILE: Responses = {200: {"description": "A row for each decision", "content": _CONTENT}}
_BODY = {
    "requestBody": {
        "required": True,
        "description": "A file as `GET /mappings/export` gives it, UTF-8; CSV divided by , or ; or tabs.",
        "content": _CONTENT,
    }
}
_BLOCK_RETRY_SECONDS = 5


def make_export_router(exports: ExportService, viewer: Caller) -> APIRouter:
    """`viewer` authenticates the caller, who sees their own tenant only."""
    router = described_router("mappings as data")

    @router.get(
        "/mappings/export",
        response_class=StreamingResponse,
        responses=_FILE | problem_responses(_409=_RESERVED),
    )
    async def export_mappings(
        parameters: Annotated[ExportParameters, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> StreamingResponse:
        """Every decision as a file, excluded items and revocations by people included.

        Imported again as it is, it changes nothing. In CSV a cell that a spreadsheet would run as a formula
        has an apostrophe in front, which an import takes off.
        """
        rows = await exports.rows(parameters.query(person))
        text = csv_text(rows) if parameters.format is FileFormat.CSV else json_text(rows)
        name = f"mappings.{parameters.format}"
        return StreamingResponse(
            text,
            media_type=_TYPES[parameters.format],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    return router


def make_import_router(imports: ImportService, mapper: Caller) -> APIRouter:
    """`mapper` authenticates the caller, who decides for their own tenant only."""
    router, reading = described_router("mappings as data"), asyncio.Semaphore(1)
    router.route_class = authenticated_first(mapper)  # the body may be large

    @router.post(
        "/mappings/import",
        status_code=201,
        max_body_size=IMPORT_BODY_BYTES.most,
        openapi_extra=_BODY,
        responses=problem_responses(_415="Neither CSV nor JSON"),
    )
    async def import_mappings(
        request: Request,
        parameters: Annotated[ImportParameters, Query()],
        person: Annotated[Person, Depends(authenticated_caller)],
    ) -> PlanResponse:
        """Make a plan of a file; nothing is decided until the plan is applied.

        Needed in each row: `kind`, the vendor item and, unless it is excluded or revoked, the PSA item, each
        by id, or by a code or a name that is unique on its side.
        """
        if reading.locked():
            detail = "Another file is being read here: try again in some seconds."
            raise Problem(429, "Too many files at once", detail, retry_after=_BLOCK_RETRY_SECONDS)
        async with reading:
            wanted = parameters.import_request(person, is_json=_is_json(request))
            # On disk, not in memory: what the service needs does not grow with the file.
            with tempfile.TemporaryFile() as file:
                async for block in request.stream():
                    await asyncio.to_thread(file.write, block)
                return await _planned(imports, wanted, file)

    return router


def make_relink_router(relinks: RelinkService, mapper: Caller) -> APIRouter:
    """`mapper` authenticates the caller, who decides for their own tenant only."""
    router = described_router("mappings as data")

    @router.post(
        "/relinks",
        status_code=201,
        responses=problem_responses(_404="No such PSA integration", _409="The new PSA is no other, or away"),
    )
    async def relink(body: RelinkBody, person: Annotated[Person, Depends(mapper)]) -> PlanResponse:
        """Make a plan that moves all mappings from one PSA to another; nothing is decided by it.

        Each row says why: mapped to it before, same code, same name, or a likeness. What has no answer is
        open.
        """
        return PlanResponse.of(await relinks.plan(body.request(person)))

    return router


def make_plan_router(plans: MongoPlans, catalogue: Catalogue, viewer: Caller) -> APIRouter:
    """`viewer` authenticates the caller, who sees their own tenant only."""
    router = described_router("mappings as data")

    @router.get("/mapping-plans/{plan_id}", responses=problem_responses(_404="No such plan"))
    async def read_plan(
        plan_id: Id,
        parameters: Annotated[PlanParameters, Query()],
        person: Annotated[Person, Depends(viewer)],
    ) -> PlanPage:
        """What a plan would change, row by row, and how far it is applied."""
        plan = await plans.plan(person.tenant_id, plan_id)
        after, limit = parameters.after or 0, parameters.limit
        found = await plans.rows(
            person.tenant_id, plan_id, outcome=parameters.outcome, after=after, limit=limit + 1
        )
        rows = await _shown(catalogue, person.tenant_id, found[:limit])
        following = encode_cursor(str(found[limit - 1].number)) if len(found) > limit else None
        return PlanPage.with_rows(plan, rows, following)

    return router


def make_apply_router(applier: PlanApplier, mapper: Caller) -> APIRouter:
    """`mapper` authenticates the caller, who decides for their own tenant only."""
    router = described_router("mappings as data")
    conflict = "Not what was reviewed, in error, outdated, applied already, or the key is another request's"

    @router.post(
        "/mapping-plans/{plan_id}/apply",
        responses=problem_responses(_404="No such plan")
        | {
            202: {"description": "Being applied", "model": PlanResponse},
            409: problem_response(conflict, PlanConflict),
        },
    )
    async def apply_plan(
        plan_id: Id,
        body: ApplyBody,
        response: Response,
        *,
        person: Annotated[Person, Depends(mapper)],
        idempotency_key: IdempotencyKey,
    ) -> PlanResponse:
        """Decide all rows of a plan, or none: what was decided meanwhile is named in the answer.

        A large plan is answered with 202: it is applied to its end, after a crash as well, and nobody else
        decides meanwhile.
        """
        try:
            plan = await applier.apply(body.request(person, plan_id, idempotency_key))
        except PlanOutdated as error:
            rows = [{"row": number, "sentence": sentence} for number, sentence in error.rows]
            raise Problem(409, "Conflict", str(error), rows=rows) from error
        response.status_code = 202 if plan.state is PlanState.APPLYING else 200
        return PlanResponse.of(plan)

    return router


async def _planned(imports: ImportService, request: ImportRequest, file: BinaryIO) -> PlanResponse:
    try:
        return PlanResponse.of(await imports.plan(request, file))
    except FileRefused as error:
        raise Problem(422, "The file cannot be read", str(error)) from error


async def _shown(
    catalogue: Catalogue, tenant_id: str, rows: Sequence[PlanRow]
) -> tuple[PlanRowResponse, ...]:
    names = await load_names(catalogue, tenant_id, [ref for row in rows for ref in row_refs(row)])
    return tuple(PlanRowResponse.of(row, names) for row in rows)


def _is_json(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    for format_, name in _TYPES.items():
        if media_type == name:
            return format_ is FileFormat.JSON
    detail = f"This is {media_type[:100] or 'of no type'}: send text/csv or application/json."
    raise Problem(415, "Unsupported media type", detail)
