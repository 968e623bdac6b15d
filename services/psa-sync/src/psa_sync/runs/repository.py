"""The to-do lists of runs: one document for each agreement that a run has listed."""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import TypeAdapter

from psa_sync.psa import Agreement
from psa_sync.runs.ports import ListedLines, ReadProgress
from shared.mongo import Document, Documents, Index, Mongo
from shared.sync_engine.models import Run

COLLECTION = "todo"
AGREEMENT_QUEUE_INDEXES = (
    Index(COLLECTION, [("run_id", 1), ("state", 1)]),
    Index(COLLECTION, [("integration_id", 1)]),
)
_AGREEMENT = TypeAdapter(Agreement)
_FAILURES_TOLD = 3


class AgreementQueueRepository:
    """Agreements by run; `due`, then `done` or `failed`. Cancelled ones are `skipped` from the start."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def fill(self, run: Run, due: Sequence[Agreement], skipped: Sequence[Agreement]) -> None:
        rows = self._rows(run)
        await rows.remove({"integration_id": run.integration_id, "run_id": {"$ne": run.run_id}})
        await rows.insert_new([*_listed(run, due, "due"), *_listed(run, skipped, "skipped")])

    async def due(self, run: Run) -> list[Agreement]:
        rows = await self._rows(run).find({"run_id": run.run_id, "state": "due"}, sort=[("_id", 1)])
        return [_AGREEMENT.validate_python(row["agreement"]) for row in rows]

    async def complete(self, run: Run, agreement_id: str, line_ids: Sequence[str]) -> None:
        await self._mark(run, agreement_id, {"state": "done", "line_ids": list(line_ids)})

    async def fail(self, run: Run, agreement_id: str, why: str) -> None:
        await self._mark(run, agreement_id, {"state": "failed", "why": why})

    async def listed(self, run: Run) -> ListedLines:
        rows = await self._rows(run).find(
            {"run_id": run.run_id}, fields=["agreement.agreement_id", "state", "line_ids"]
        )
        return ListedLines(
            agreement_ids=frozenset(row["agreement"]["agreement_id"] for row in rows),
            read_agreement_ids=frozenset(
                row["agreement"]["agreement_id"] for row in rows if row["state"] == "done"
            ),
            line_ids=frozenset(line_id for row in rows for line_id in row["line_ids"]),
        )

    async def progress(self, run: Run) -> ReadProgress:
        rows = await self._rows(run).find(
            {"run_id": run.run_id, "state": {"$ne": "skipped"}}, fields=["state", "line_ids", "why"]
        )
        done = [row for row in rows if row["state"] == "done"]
        failed = [row["why"] for row in rows if row["state"] == "failed"]
        lines = sum(len(row["line_ids"]) for row in done)
        return ReadProgress(due=len(rows), read=len(done), lines=lines, failures=_told(failed))

    async def _mark(self, run: Run, agreement_id: str, news: Document) -> None:
        await self._rows(run).change({"_id": _id(run, agreement_id)}, {"$set": news})

    def _rows(self, run: Run) -> Documents:
        return self._mongo.documents(COLLECTION, run.tenant_id)


def _listed(run: Run, agreements: Iterable[Agreement], state: str) -> Iterable[dict[str, Any]]:
    return (
        {
            "_id": _id(run, agreement.agreement_id),
            "run_id": run.run_id,
            "integration_id": run.integration_id,
            "state": state,
            "agreement": _AGREEMENT.dump_python(agreement, mode="json"),
            "line_ids": [],
        }
        for agreement in agreements
    )


def _id(run: Run, agreement_id: str) -> str:
    return f"{run.run_id}:{agreement_id}"


def _told(failures: Sequence[str]) -> tuple[str, ...]:
    """The first few, and how many there are: a reason is for reading."""
    rest = len(failures) - _FAILURES_TOLD
    more = (f"and {rest} more agreements were not read",) if rest > 0 else ()
    return (*failures[:_FAILURES_TOLD], *more)
