"""What the closed runs of each integration vouch for."""

from billing.usage.coverage import CompletedRun, Coverage
from shared.contracts.base import key_of
from shared.mongo import Document, Index, Mongo, Session

_COLLECTION = "coverages"

COVERAGE_INDEXES = (Index(_COLLECTION, [("tenant_id", 1)]),)


class CoverageRepository:
    """By integration id."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def of_tenant(self, tenant_id: str) -> dict[str, Coverage]:
        rows = await self._mongo.documents(_COLLECTION, tenant_id).find()
        return {row["integration_id"]: _coverage(row) for row in rows}

    async def put(self, tenant_id: str, integration_id: str, coverage: Coverage, *, session: Session) -> None:
        row = {
            "_id": key_of(tenant_id, integration_id),
            "integration_id": integration_id,
            "complete": _row(coverage.complete),
            "full": _row(coverage.full),
        }
        await self._mongo.documents(_COLLECTION, tenant_id).put(row, session=session)


def _coverage(row: Document) -> Coverage:
    return Coverage(_reading(row["complete"]), _reading(row["full"]))


def _reading(row: Document | None) -> CompletedRun | None:
    return CompletedRun(row["run_id"], row["first_revision"], row["started_at"]) if row else None


def _row(reading: CompletedRun | None) -> Document | None:
    if reading is None:
        return None
    return {
        "run_id": reading.run_id,
        "first_revision": reading.first_revision,
        "started_at": reading.started_at,
    }
