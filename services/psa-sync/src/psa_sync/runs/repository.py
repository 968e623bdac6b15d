"""Stores what a run collects: a document for each company, agreement and line of an integration."""

# Invariant: only the worker that has the run changes anything (`assert_ownership` in every transaction), so a
# paused worker of this run, or of one before, puts nothing into its successor's queue. An agreement is done
# only after its lines are stored, so a run that another worker continues reads what is due and nothing else:
#
#   fill {77 due, 78 due, 79 skipped} → 901 and 902, then 77 done → killed → the next worker's due: {78}
#
# There is no index but that of the ids. They begin with the company, so a page of companies is one stretch of
# each collection, in the same order.

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence

from pydantic import TypeAdapter

from psa_sync.runs.company_collect import AgreementEntry, AgreementState, CompanyCollect, CompanyEntry
from psa_sync.runs.line_record import LineRecord
from psa_sync.runs.ports import CollectChange, KnownLines, ReadProgress
from shared.contracts.base import key_of
from shared.mongo import Change, Document, Documents, Mongo, Put, Remove, Session
from shared.sync_engine.manifest_records import ManifestRecord
from shared.sync_engine.models import Run
from shared.sync_engine.run_repository import assert_ownership

COMPANIES = "companies"
AGREEMENTS = "agreements"
LINES = "lines"

_COMPANY, _AGREEMENT, _LINE = TypeAdapter(CompanyEntry), TypeAdapter(AgreementEntry), TypeAdapter(LineRecord)
_COMPANIES_PER_PAGE = 200
_CHANGES_PER_TRANSACTION = 500

_Changes = tuple[str, Change]
"""A change, after the name of the collection in which it is made."""


class CollectQueueRepository:
    """Keeps the queue of the present run of each integration, and the lines as they were read last."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def known_lines(self, run: Run) -> KnownLines:
        company_ids, agreement_ids = set[str](), set[str]()
        fields = ["company_id", "agreement_id", "digest"]
        async for row in self._rows(run, LINES).stream(_of_integration(run), fields=fields):
            company_ids.add(row["company_id"])
            if row["digest"]:
                agreement_ids.add(row["agreement_id"])
        return KnownLines(frozenset(company_ids), frozenset(agreement_ids))

    async def fill(
        self,
        run: Run,
        companies: Sequence[CompanyEntry],
        agreements: Sequence[AgreementEntry],
        *,
        listed_revision: int,
    ) -> None:
        before = _of_integration(run) | {"listed_revision": {"$lt": listed_revision}}
        await self._change(
            run,
            [
                *((AGREEMENTS, Put(_agreement_document(run, entry))) for entry in agreements),
                *((COMPANIES, Put(_company_document(run, entry))) for entry in companies),
                (AGREEMENTS, Remove(before)),
                (COMPANIES, Remove(before)),
            ],
        )

    async def pages(self, run: Run) -> AsyncIterator[list[CompanyEntry]]:
        filter_ = _queued(run)
        while rows := await self._rows(run, COMPANIES).find(
            filter_, sort=[("_id", 1)], limit=_COMPANIES_PER_PAGE
        ):
            yield [_COMPANY.validate_python(row) for row in rows]
            filter_ |= {"_id": filter_["_id"] | {"$gt": rows[-1]["_id"]}}

    async def load(
        self, run: Run, entries: Sequence[CompanyEntry], records: Mapping[str, ManifestRecord]
    ) -> list[CompanyCollect]:
        if not entries:
            return []
        collects = {
            entry.company_id: CompanyCollect(
                entry, {}, {}, record.items if (record := records.get(entry.company_id)) else None
            )
            for entry in entries
        }
        ids = [_id(run, company_id, "") for company_id in collects]
        page: Document = {"_id": {"$gte": min(ids), "$lt": max(ids) + "\uffff"}}
        for row in await self._rows(run, AGREEMENTS).find(page | {"run_id": run.run_id}):
            if collect := collects.get(row["company_id"]):
                agreement = _AGREEMENT.validate_python(row)
                collect.agreements[agreement.agreement_id] = agreement
        for row in await self._rows(run, LINES).find(page):
            if collect := collects.get(row["company_id"]):
                record = records.get(row["company_id"])
                _add_line(collect, _LINE.validate_python(row), record.revision if record else 0)
        return list(collects.values())

    async def store(self, run: Run, changes: Sequence[CollectChange]) -> None:
        await self._change(run, [change for company in changes for change in _changes(run, company)])

    async def forget_lines(self, run: Run, line_ids: Mapping[str, Collection[str]]) -> None:
        ids = [_id(run, company_id, id_) for company_id, ids in line_ids.items() for id_ in ids]
        await self._change(run, [(LINES, Remove({"_id": id_})) for id_ in ids])

    async def company_ids(self, run: Run) -> list[str]:
        rows = await self._rows(run, COMPANIES).find(_queued(run), sort=[("_id", 1)], fields=["company_id"])
        return [row["company_id"] for row in rows]

    async def progress(self, run: Run) -> ReadProgress:
        listed = _queued(run) | {"state": {"$ne": AgreementState.SKIPPED}}
        agreements = await self._rows(run, AGREEMENTS).find(listed, fields=["agreement_id", "state", "why"])
        failed = {row["agreement_id"] for row in agreements if row["state"] == AgreementState.FAILED}
        odd_lines = await self._rows(run, LINES).find(_queued(run) | {"unreadable": {"$ne": ""}})
        unsettled = await self._rows(run, COMPANIES).find(_queued(run) | {"unsettled": {"$ne": ""}})
        return ReadProgress(
            due=len(agreements),
            read=sum(row["state"] == AgreementState.DONE for row in agreements),
            lines=await self._rows(run, LINES).count(_queued(run) | {"digest": {"$ne": ""}}),
            exceptions=(
                *(f"agreement {row['agreement_id']}: {row['why']}" for row in agreements if row["why"]),
                *(
                    f"line {row['line_id']} of agreement {row['agreement_id']}: {row['unreadable']}"
                    for row in odd_lines
                    if row["agreement_id"] not in failed
                ),
                *(f"company {row['company_id']}: {row['unsettled']}" for row in unsettled),
            ),
        )

    async def _change(self, run: Run, changes: Sequence[_Changes]) -> None:
        """Makes the changes in their order, some hundred in a transaction, as the owner of the run."""
        for start in range(0, len(changes), _CHANGES_PER_TRANSACTION):
            batch = changes[start : start + _CHANGES_PER_TRANSACTION]

            async def work(session: Session, batch: Sequence[_Changes] = batch) -> None:
                await assert_ownership(self._mongo, run, session)
                for name in dict.fromkeys(name for name, _ in batch):
                    own = [change for collection, change in batch if collection == name]
                    await self._rows(run, name).bulk(own, session=session)

            await self._mongo.transaction(work)

    def _rows(self, run: Run, name: str) -> Documents:
        return self._mongo.documents(name, run.tenant_id)


def _add_line(collect: CompanyCollect, line: LineRecord, manifest_revision: int) -> None:
    if since := line.since_manifest(manifest_revision):
        collect.lines[line.line_id] = since
    else:
        collect.forgotten_ids.add(line.line_id)


def _changes(run: Run, change: CollectChange) -> Iterable[_Changes]:
    for line in change.lines:
        yield LINES, Put(_line_document(run, change.company_id, line))
    for agreement in change.relisted or ():
        yield AGREEMENTS, Put(_agreement_document(run, agreement))
    if change.agreement:
        yield AGREEMENTS, Put(_agreement_document(run, change.agreement))
    if change.dropped_agreement_id:
        yield AGREEMENTS, Remove({"_id": _id(run, change.company_id, change.dropped_agreement_id)})
    if change.entry and change.relisted is not None:
        before = {"listed_revision": {"$lt": change.entry.listed_revision}}
        yield AGREEMENTS, Remove(_of_company(run, change.company_id) | before)
    if change.entry:
        yield COMPANIES, Put(_company_document(run, change.entry))


def _of_integration(run: Run) -> Document:
    prefix = key_of(run.tenant_id, run.integration_id) + ":"
    return {"_id": {"$gt": prefix, "$lt": prefix + "\uffff"}}


def _queued(run: Run) -> Document:
    """Returns the filter for what this run has queued, or has read."""
    return _of_integration(run) | {"run_id": run.run_id}


def _of_company(run: Run, company_id: str) -> Document:
    prefix = _id(run, company_id, "")
    return {"_id": {"$gte": prefix, "$lt": prefix + "\uffff"}}


def _id(run: Run, company_id: str, thing_id: str) -> str:
    """Returns a document's id; a company's own names no thing, so that it sorts like what is under it."""
    return key_of(run.tenant_id, run.integration_id, company_id, thing_id)


def _company_document(run: Run, entry: CompanyEntry) -> Document:
    fields: Document = _COMPANY.dump_python(entry)
    return fields | {"_id": _id(run, entry.company_id, ""), "run_id": run.run_id}


def _agreement_document(run: Run, entry: AgreementEntry) -> Document:
    # As JSON: the store has no days.
    fields: Document = _AGREEMENT.dump_python(entry, mode="json")
    return fields | {"_id": _id(run, entry.company_id, entry.agreement_id), "run_id": run.run_id}


def _line_document(run: Run, company_id: str, line: LineRecord) -> Document:
    fields: Document = _LINE.dump_python(line)
    id_ = _id(run, company_id, line.line_id)
    return fields | {"_id": id_, "company_id": company_id, "run_id": run.run_id}
