"""Stores manifests: parts as they come, and the header of each account, which says what counts."""

# Invariant: what a manifest changes is changed in one transaction: the header, the receipt by which its run
# is closed, what its run was judged to be, and the work of calculating its account again. The header keeps
# what counted before (`before`) and what was believed last, and with them the parts that they name; whatever
# is older goes. A part that no header names waits: parts are written once, and never changed. Two replicas
# may apply at the same time: see `billing.observations.settlement_counter`.

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from billing.observations.account_news import AccountNews
from billing.observations.manifest_arrivals import ARRIVAL_INDEXES, ManifestArrivals
from billing.observations.manifest_changes import fallen_back, forgotten_parts, header, removed_parts
from billing.observations.manifest_parts import (
    ALIKE,
    ReceivedManifest,
    first_contradiction,
    manifests_of,
    part_document,
)
from billing.observations.manifest_receipts import RECEIPT_INDEXES, AppliedCount, ManifestReceipts
from billing.observations.manifests import ManifestDecision, ManifestSnapshot, StoredStatements
from billing.observations.ports import RunJudgement
from billing.observations.read_backs import ReadBacks
from billing.observations.settlement_counter import SettledMeanwhile, SettlementCounter
from billing.observations.stored_statements import stored_statements
from billing.observations.waiting_parts import COUNTING_FIELDS, unnamed
from billing.usage.manifest_reader import HEADERS, NAMED_FIELDS, PARTS, header_id, manifest_of
from billing.usage.recalculation_queue import RecalculationQueue
from billing.usage.ref import Ref, RefKind
from shared.contracts.base import utc
from shared.contracts.manifest import AccountRead
from shared.errors import PermanentError
from shared.mongo import Document, Index, Mongo, Put, Session
from shared.runtime.clock import Clock, utc_now
from shared.work_queue import WorkItem

_FALLING_BACK = 100
"""Accounts in one transaction."""

MANIFEST_INDEXES = (
    Index(PARTS, [("ref", 1)]),
    Index(HEADERS, [("integration_id", 1)]),
    *ARRIVAL_INDEXES,
    *RECEIPT_INDEXES,
)
_COMPARED = ("ref", "revision", "digest", *ALIKE)
"""What contradictions between parts are found by."""


class ManifestRepository:
    """Keeps manifests of all tenants."""

    def __init__(self, mongo: Mongo, queue: RecalculationQueue, *, clock: Clock = utc_now) -> None:
        self._mongo, self._queue, self._clock = mongo, queue, clock
        self._arrivals, self._settlements = ManifestArrivals(mongo, clock=clock), SettlementCounter(mongo)
        self._receipts = ManifestReceipts(mongo, self._arrivals, clock=clock)
        self._read_backs, self._news = ReadBacks(mongo), AccountNews(mongo)

    async def store(self, tenant_id: str, parts: Iterable[AccountRead]) -> None:
        """Stores parts as they come; one that is there already stays as it is.

        Raises `PermanentError`, and stores nothing, when one contradicts another part of its manifest.
        """
        at, rows = utc(self._clock()), self._mongo.documents(PARTS, tenant_id)
        new = [part_document(part, at) for part in parts]
        stored = await rows.find_in("ref", {part["ref"] for part in new}, fields=_COMPARED)
        if contradiction := first_contradiction(new, stored):
            part, reason = contradiction
            await self._receipts.note_refused(tenant_id, part, reason)
            raise PermanentError(f"a part of the manifest of {part['ref']} is refused: {reason}")
        await rows.insert_new(new)
        await self._arrivals.note(tenant_id, {part["ref"] for part in new})

    async def due(self) -> dict[str, list[WorkItem]]:
        """Returns the accounts of which something has come that waits and is due, by tenant."""
        return await self._arrivals.due()

    async def snapshot(self, tenant_id: str, accounts: Collection[Ref]) -> ManifestSnapshot:
        """Returns the manifests of these accounts, those that count and those that wait, and read-backs."""
        settled = await self._settlements.read(tenant_id)
        headers = await self._mongo.documents(HEADERS, tenant_id).get_many(
            [header_id(tenant_id, account) for account in accounts], fields=COUNTING_FIELDS
        )
        rows, refs = self._mongo.documents(PARTS, tenant_id), [account.encode() for account in accounts]
        stored = await rows.find_in("ref", refs, fields=["ref", "revision"])
        parts = await rows.get_many([part["_id"] for part in unnamed(stored, headers)])
        received = defaultdict[Ref, list[ReceivedManifest]](list)
        for manifest in manifests_of(parts.values()):
            received[manifest.account].append(manifest)
        current = [manifest_of(row["ref"], row["current"]) for row in headers.values()]
        billed = [account for account in received if account.kind is RefKind.PSA_ACCOUNT]
        read_backs = await self._read_backs.of_accounts(tenant_id, billed)
        return ManifestSnapshot(
            settled, received, {manifest.account: manifest for manifest in current}, read_backs
        )

    async def settle(self, tenant_id: str, items: Sequence[WorkItem], waiting: Collection[Ref]) -> None:
        """Takes accounts that were looked at from those that are due; those that wait are due again later."""
        await self._arrivals.settle(tenant_id, items, waiting)

    async def look_up(
        self, tenant_id: str, statements: Mapping[Ref, Collection[tuple[str, int]]]
    ) -> dict[Ref, StoredStatements]:
        """Returns what is known of the observations of these statements (thing and revision), by account."""
        return await stored_statements(self._mongo, tenant_id, statements)

    async def apply(
        self,
        tenant_id: str,
        decisions: Mapping[Ref, ManifestDecision],
        recalculated: Collection[Ref],
        judgement: RunJudgement,
        *,
        settled: int,
    ) -> bool:
        """Lets the effective manifests count, and notes those that were overtaken; all in one transaction.

        `recalculated` are the accounts whose numbers change by it. The judgement on the manifests' runs is
        stored with them: nothing counts for a moment that is not believed. `settled` is that of the snapshot
        that was decided on; returns False, with nothing stored, if another replica has come in between.
        """

        async def work(session: Session) -> None:
            await self._settlements.advance_from(tenant_id, settled, session)
            await judgement.store(session)
            removed = removed_parts(decisions.values())
            removed += await self._store_headers(tenant_id, decisions, judgement.doubted, session)
            await self._mongo.documents(PARTS, tenant_id).remove_many(removed, session=session)
            await self._receipts.note(tenant_id, decisions.values(), session=session)
            await self._queue.enqueue_refs(tenant_id, recalculated, session=session)

        try:
            await self._mongo.transaction(work)
        except SettledMeanwhile:
            return False
        return True

    async def _store_headers(
        self,
        tenant_id: str,
        decisions: Mapping[Ref, ManifestDecision],
        doubted: Collection[tuple[str, str]],
        session: Session,
    ) -> list[str]:
        """Lets the headers name the effective manifests; returns the ids of the parts that none names now."""
        rows = self._mongo.documents(HEADERS, tenant_id)
        effective = {
            header_id(tenant_id, account): (decision.effective, bool(decision.went_back))
            for account, decision in decisions.items()
            if decision.effective
        }
        before = await rows.get_many(effective, session=session)
        after = {
            id_: header(id_, manifest, before.get(id_), doubted, went_back=went_back)
            for id_, (manifest, went_back) in effective.items()
        }
        await rows.insert_many([row for id_, row in after.items() if id_ not in before], session=session)
        await rows.bulk([Put(after[id_]) for id_ in before], session=session)
        return forgotten_parts(tenant_id, before, after)

    async def fall_back(self, tenant_id: str, integration_id: str, run_id: str) -> int:
        """Lets what was believed before a run count again, for some of its accounts; returns for how many.

        An account of which nothing was believed before counts as not read at all.
        """
        rows = self._mongo.documents(HEADERS, tenant_id)
        of_run = {"integration_id": integration_id, "current.run_id": run_id}

        async def work(session: Session) -> int:
            found = await rows.find(of_run, limit=_FALLING_BACK, session=session)
            headers = {row["_id"]: row for row in found}
            after = {id_: believed for id_, row in headers.items() if (believed := fallen_back(row))}
            await rows.bulk([Put(row) for row in after.values()], session=session)
            await self._forget(tenant_id, headers, after, session)
            return len(headers)

        return await self._mongo.transaction(work)

    async def _forget(
        self, tenant_id: str, before: Mapping[str, Document], after: Mapping[str, Document], session: Session
    ) -> None:
        """Removes headers that are not there afterwards, and parts that are named no more."""
        await self._settlements.advance(tenant_id, session)
        gone = before.keys() - after.keys()
        await self._mongo.documents(HEADERS, tenant_id).remove_many(gone, session=session)
        await self._news.forget(tenant_id, {id_: before[id_] for id_ in gone}, session=session)
        parts = forgotten_parts(tenant_id, before, after)
        await self._mongo.documents(PARTS, tenant_id).remove_many(parts, session=session)
        accounts = [Ref.decode(row["ref"]) for row in before.values()]
        await self._queue.enqueue_refs(tenant_id, accounts, session=session)

    async def applied_of_run(self, tenant_id: str, integration_id: str, run_id: str) -> AppliedCount:
        """Returns how many manifests of a run were applied or overtaken, as its run-finished counts them."""
        return await self._receipts.applied(tenant_id, integration_id, run_id)

    async def unapplied_accounts(self, tenant_id: str, integration_id: str, run_id: str) -> dict[str, str]:
        """Returns why accounts do not count of which a manifest of the run has come, by account id."""
        return await self._receipts.unapplied(tenant_id, integration_id, run_id)

    async def silent_accounts(self, tenant_id: str, integration_id: str, run_id: str) -> list[str]:
        """Returns the ids of the accounts that are there, and of which no manifest of the run has come."""
        return await self._receipts.silent(tenant_id, integration_id, run_id)

    async def forgotten_accounts(
        self, tenant_id: str, integration_id: str, run_id: str, first_revision: int
    ) -> list[Ref]:
        """Returns the accounts that hold something, and that a complete full run does not know of."""
        return await self._receipts.forgotten(tenant_id, integration_id, run_id, first_revision)

    async def unread(self, tenant_id: str, accounts: Collection[Ref], before_revision: int) -> None:
        """Lets accounts whose manifests are older than this revision count as never read."""
        rows = self._mongo.documents(HEADERS, tenant_id)
        ids = [header_id(tenant_id, account) for account in accounts]

        async def work(session: Session) -> None:
            headers = await rows.get_many(ids, fields=NAMED_FIELDS, session=session)
            older = {id_: row for id_, row in headers.items() if row["current"]["revision"] < before_revision}
            await self._forget(tenant_id, older, {}, session)

        await self._mongo.transaction(work)
