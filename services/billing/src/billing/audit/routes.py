"""The audit log as a file that proves itself."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from billing.audit.repository import AuditLog
from shared.web.openapi import Responses, described_router
from shared.web.person import Person, Role
from shared.web.token_verification import TokenVerifier, require_role

MEDIA_TYPE = "application/x-ndjson"

_EXPORT: Responses = {
    200: {
        "description": "One entry a line, oldest first; nothing when there is none",
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "type": "string",
                    "description": "JSON objects parted by line ends, each with `tenant_id`, `seq`, `at`,"
                    " `actor`, `action`, `subject`, `details`, `previous` and `hash`.",
                }
            }
        },
        "headers": {
            "Audit-Head-Seq": {
                "schema": {"type": "integer"},
                "description": "Number of the last entry; 0 when empty",
            },
            "Audit-Head-Hash": {"schema": {"type": "string"}, "description": "Its hash"},
        },
    }
}


def make_router(verifier: TokenVerifier, audit: AuditLog) -> APIRouter:
    """`GET /audit` (viewer)."""
    router = described_router("audit")
    viewer = require_role(verifier, Role.VIEWER)

    @router.get("/audit", response_class=StreamingResponse, responses=_EXPORT)
    async def export_audit(person: Annotated[Person, Depends(viewer)]) -> StreamingResponse:
        """Every decision, on lines and mappings, and every write result, each with the hash of the last.

        One entry a line, oldest first.
        Any change inside the file shows from the file alone. A cut-off end shows only against the head,
        so note it with the file.
        """
        # The head is read first: entries that are appended while the file is sent are behind it and stay out.
        head = await audit.head(person.tenant_id)
        entries = audit.entries(person.tenant_id, until=head)
        return StreamingResponse(
            (entry.line + "\n" async for entry in entries),
            media_type=MEDIA_TYPE,
            headers={
                "Audit-Head-Seq": str(head.seq),
                "Audit-Head-Hash": head.hash,
                "Content-Disposition": 'attachment; filename="audit.ndjson"',
            },
        )

    return router
