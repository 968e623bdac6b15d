"""Stores the queue of agreements whose lines a run reads, one document for each agreement that is listed."""

# Invariant: an agreement leaves `due` only after its lines are published, so a run that another worker
# continues reads what is still due and nothing else. A run's queue begins by removing those of earlier runs.
#
#   fill {77 due, 78 due, 79 skipped} → 77 done [901, 902] → killed → the next worker's due: {78}

from collections.abc import Iterable, Sequence
from enum import StrEnum

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
_FAILURES_NAMED = 3
"""A run's reason is for people to read: so many failures are spelt out, the others counted."""


class AgreementState(StrEnum):
    """Where an agreement stands in the queue of its run."""

    DUE = "due"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    """It is listed but not read: it is cancelled, and nothing of it was billed when it was last seen."""


class AgreementQueueRepository:
    """Keeps the queue of the present run of each integration."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def fill(self, run: Run, due: Sequence[Agreement], skipped: Sequence[Agreement]) -> None:
        rows = self._rows(run)
        await rows.remove({"integration_id": run.integration_id, "run_id": {"$ne": run.run_id}})
        await rows.insert_new(
            [
                *_documents(run, due, AgreementState.DUE),
                *_documents(run, skipped, AgreementState.SKIPPED),
            ]
        )

    async def due(self, run: Run) -> list[Agreement]:
        rows = await self._rows(run).find(
            {"run_id": run.run_id, "state": AgreementState.DUE}, sort=[("_id", 1)]
        )
        return [_AGREEMENT.validate_python(row["agreement"]) for row in rows]

    async def complete(self, run: Run, agreement_id: str, line_ids: Sequence[str]) -> None:
        await self._change(run, agreement_id, {"state": AgreementState.DONE, "line_ids": list(line_ids)})

    async def fail(self, run: Run, agreement_id: str, why: str) -> None:
        await self._change(run, agreement_id, {"state": AgreementState.FAILED, "why": why})

    async def listed(self, run: Run) -> ListedLines:
        rows = await self._rows(run).find(
            {"run_id": run.run_id}, fields=["agreement.agreement_id", "state", "line_ids"]
        )
        return ListedLines(
            agreement_ids=frozenset(row["agreement"]["agreement_id"] for row in rows),
            read_agreement_ids=frozenset(
                row["agreement"]["agreement_id"] for row in rows if row["state"] == AgreementState.DONE
            ),
            line_ids=frozenset(line_id for row in rows for line_id in row["line_ids"]),
        )

    async def progress(self, run: Run) -> ReadProgress:
        rows = await self._rows(run).find(
            {"run_id": run.run_id, "state": {"$ne": AgreementState.SKIPPED}},
            fields=["state", "line_ids", "why"],
        )
        done = [row for row in rows if row["state"] == AgreementState.DONE]
        failures = [row["why"] for row in rows if row["state"] == AgreementState.FAILED]
        others = len(failures) - _FAILURES_NAMED
        return ReadProgress(
            due=len(rows),
            read=len(done),
            lines=sum(len(row["line_ids"]) for row in done),
            failures=(
                *failures[:_FAILURES_NAMED],
                *([f"and {others} more agreements were not read"] if others > 0 else []),
            ),
        )

    async def _change(self, run: Run, agreement_id: str, fields: Document) -> None:
        await self._rows(run).change({"_id": _id(run, agreement_id)}, {"$set": fields})

    def _rows(self, run: Run) -> Documents:
        return self._mongo.documents(COLLECTION, run.tenant_id)


def _documents(run: Run, agreements: Iterable[Agreement], state: AgreementState) -> Iterable[Document]:
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
