"""The audit log as a file that proves itself."""

from collections.abc import AsyncIterator
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from billing.audit.chain import AuditEntry, ChainHead
from shared.web.openapi import described_router
from shared.web.person import Person, Role
from shared.web.token_verification import TokenVerifier, require_role

MEDIA_TYPE = "application/x-ndjson"


class Audit(Protocol):
    """A tenant's chain."""

    async def head(self, tenant_id: str) -> ChainHead: ...

    def entries(self, tenant_id: str, *, until: ChainHead) -> AsyncIterator[AuditEntry]: ...


def make_router(verifier: TokenVerifier, audit: Audit) -> APIRouter:
    """`GET /audit`."""
    router = described_router("audit")
    viewer = require_role(verifier, Role.VIEWER)

    @router.get(
        "/audit",
        response_class=StreamingResponse,
        responses={200: {"content": {MEDIA_TYPE: {}}, "headers": _HEADERS}},
    )
    async def export_audit(person: Annotated[Person, Depends(viewer)]) -> StreamingResponse:
        """Every decision and write result, one entry a line, oldest first, each with the hash of the last.

        Any change inside the file shows from the file alone. A cut-off end shows only against the head,
        so note it with the file.
        """
        head = await audit.head(person.tenant_id)
        return StreamingResponse(
            _lines(audit.entries(person.tenant_id, until=head)),
            media_type=MEDIA_TYPE,
            headers={
                "Audit-Head-Seq": str(head.seq),
                "Audit-Head-Hash": head.hash,
                "Content-Disposition": 'attachment; filename="audit.ndjson"',
            },
        )

    return router


_HEADERS = {
    "Audit-Head-Seq": {
        "schema": {"type": "integer"},
        "description": "Number of the last entry; 0 when empty",
    },
    "Audit-Head-Hash": {"schema": {"type": "string"}, "description": "Its hash"},
}


async def _lines(entries: AsyncIterator[AuditEntry]) -> AsyncIterator[str]:
    async for entry in entries:
        yield entry.line + "\n"
