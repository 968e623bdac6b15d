"""Keeps the coverage of each integration: its last complete run, and its last complete full run."""

from billing.usage.coverage import CompletedRun, Coverage, Coverages
from shared.contracts.base import key_of
from shared.mongo import Document, Index, Mongo, Session

_COLLECTION = "coverages"

COVERAGE_INDEXES = (Index(_COLLECTION, [("tenant_id", 1)]),)


class CoverageRepository:
    """One document for each integration."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def of_tenant(self, tenant_id: str) -> Coverages:
        rows = await self._mongo.documents(_COLLECTION, tenant_id).find()
        return Coverages(
            {row["integration_id"]: Coverage(_decode(row["complete"]), _decode(row["full"])) for row in rows}
        )

    async def put(self, tenant_id: str, integration_id: str, coverage: Coverage, *, session: Session) -> None:
        row = {
            "_id": key_of(tenant_id, integration_id),
            "integration_id": integration_id,
            "complete": _encode(coverage.complete),
            "full": _encode(coverage.full),
        }
        await self._mongo.documents(_COLLECTION, tenant_id).put(row, session=session)


def _decode(row: Document | None) -> CompletedRun | None:
    return CompletedRun(row["run_id"], row["first_revision"], row["started_at"]) if row else None


def _encode(run: CompletedRun | None) -> Document | None:
    """The run as stored; its time stays a date, so that it is read back without parsing."""
    if run is None:
        return None
    return {"run_id": run.run_id, "first_revision": run.first_revision, "started_at": run.started_at}
