"""Stores manifests: parts as they come, and the header of each account, which says what counts."""

# Invariant: what a manifest changes is changed in one transaction: the header, the receipt by which its run
# is closed, what its run was judged to be, and the work of calculating its account again. The header keeps
# what counted before (`before`) and what was believed last, and with them the parts that they name; whatever
# is older goes. Two replicas may apply at the same time: both
# write the header, so one of them conflicts, starts over and finds the manifest applied.

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta

from billing.observations.manifest_changes import (
    counting_parts,
    fallen_back,
    forgotten_parts,
    header,
    removed_parts,
)
from billing.observations.manifest_parts import (
    ALIKE,
    Part,
    ReceivedManifest,
    first_contradiction,
    manifests_of,
    part_document,
)
from billing.observations.manifest_receipts import RECEIPT_INDEXES, AppliedCount, ManifestReceipts
from billing.observations.manifests import ManifestDecision, StoredStatements
from billing.observations.ports import RunJudgement
from billing.observations.repository import HISTORY, history_id
from billing.usage.manifest_reader import HEADERS, PARTS, header_id
from billing.usage.recalculation_queue import RecalculationQueue
from billing.usage.ref import Ref, RefKind
from shared.contracts.base import key_of, utc
from shared.contracts.manifest import AccountRead
from shared.errors import PermanentError, TransientError
from shared.mongo import Change, Index, Mongo, Put, Remove, Session, Update
from shared.runtime.clock import Clock, utc_now

_FALLING_BACK = 100
"""Accounts in one transaction."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = timedelta(milliseconds=250), timedelta(seconds=30)
_ROWS = {RefKind.VENDOR_ACCOUNT: "subscriptions", RefKind.PSA_ACCOUNT: "agreement_lines"}

MANIFEST_INDEXES = (
    Index(PARTS, [("due_at", 1)], where={"due_at": {"$type": "date"}}),
    Index(PARTS, [("ref", 1)]),
    Index(HEADERS, [("integration_id", 1)]),
    *RECEIPT_INDEXES,
)
_COMPARED = ("ref", "revision", "digest", *ALIKE)
"""What contradictions between parts are found by."""


class ManifestRepository:
    """Keeps manifests of all tenants."""

    def __init__(self, mongo: Mongo, queue: RecalculationQueue, *, clock: Clock = utc_now) -> None:
        self._mongo, self._queue, self._clock = mongo, queue, clock
        self._receipts = ManifestReceipts(mongo, clock=clock)

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

    async def due_accounts(self, limit: int) -> dict[str, set[Ref]]:
        """Returns the accounts of the parts that wait and are due, longest first, by tenant."""
        rows = await self._mongo.all_tenants(PARTS).find(
            {"due_at": {"$lte": self._clock()}},
            sort=[("due_at", 1)],
            limit=limit,
            fields=["tenant_id", "ref"],
        )
        accounts: defaultdict[str, set[Ref]] = defaultdict(set)
        for row in rows:
            accounts[row["tenant_id"]].add(Ref.decode(row["ref"]))
        return accounts

    async def received(self, tenant_id: str, accounts: Collection[Ref]) -> dict[Ref, list[ReceivedManifest]]:
        """Returns the manifests of these accounts that wait, complete or not, the oldest first."""
        refs = [account.encode() for account in accounts]
        parts = await self._mongo.documents(PARTS, tenant_id).find_in(
            "ref", refs, where={"due_at": {"$type": "date"}}
        )
        received: dict[Ref, list[ReceivedManifest]] = {account: [] for account in accounts}
        for manifest in manifests_of(parts):
            received[manifest.account].append(manifest)
        return received

    async def put_off(self, tenant_id: str, parts: Iterable[Part]) -> None:
        """Makes parts due again after as long as they have waited already, within bounds."""
        now = utc(self._clock())
        changes: list[Change] = []
        for part in parts:
            pause = min(max(now - part["arrived_at"], _SHORTEST_PAUSE), _LONGEST_PAUSE)
            still_waits = {"_id": part["_id"], "due_at": {"$type": "date"}}
            changes.append(Update(still_waits, {"$set": {"due_at": now + pause}}))
        await self._mongo.documents(PARTS, tenant_id).bulk(changes)

    async def look_up(
        self, tenant_id: str, statements: Mapping[Ref, Collection[tuple[str, int]]]
    ) -> dict[Ref, StoredStatements]:
        """Returns what is known of the observations of these statements (thing and revision), by account."""
        known: dict[Ref, StoredStatements] = {}
        for kind, name in _ROWS.items():
            # Two manifests of one account may name a thing at two revisions.
            named = [
                (key_of(tenant_id, account.integration_id, id_), account, id_, revision)
                for account, of_account in statements.items()
                if account.kind is kind
                for id_, revision in of_account
            ]
            rows = await self._mongo.documents(name, tenant_id).get_many(
                {key for key, *_ in named}, fields=["revision", "ref"]
            )
            older = {
                history_id(name, key, revision)
                for key, _, _, revision in named
                if key not in rows or rows[key]["revision"] != revision
            }
            history = await self._mongo.documents(HISTORY, tenant_id).get_many(older, fields=["ref"])
            for key, account, id_, revision in named:
                of_account = known.setdefault(account, StoredStatements(set(), set(), {}))
                row, past = rows.get(key), history.get(history_id(name, key, revision))
                if row and row["revision"] != revision:
                    of_account.newest[id_] = row["revision"]
                stated = past if row is None or row["revision"] != revision else row
                if stated is None:
                    of_account.unstored.add((id_, revision))
                elif stated["ref"] != account.encode():
                    of_account.elsewhere.add((id_, revision))
        return known

    async def apply(
        self,
        tenant_id: str,
        decisions: Mapping[Ref, ManifestDecision],
        recalculated: Collection[Ref],
        judgement: RunJudgement,
    ) -> None:
        """Lets the effective manifests count, and notes those that were overtaken; all in one transaction.

        `recalculated` are the accounts whose numbers change by it. The judgement on the manifests' runs is
        stored with them: nothing counts for a moment that is not believed.
        """
        header_rows = self._mongo.documents(HEADERS, tenant_id)
        effective = {
            header_id(tenant_id, account): decision.effective
            for account, decision in decisions.items()
            if decision.effective
        }
        went_back = {
            header_id(tenant_id, account) for account, decision in decisions.items() if decision.went_back
        }

        async def work(session: Session) -> None:
            await judgement.store(session)
            before = await header_rows.get_many(effective, session=session)
            headers = [
                header(id_, manifest, before.get(id_), judgement.doubted, went_back=id_ in went_back)
                for id_, manifest in effective.items()
                if id_ not in before or before[id_]["current"]["revision"] < manifest.revision
            ]
            await header_rows.bulk([Put(row) for row in headers], session=session)
            parts = self._mongo.documents(PARTS, tenant_id)
            counting = counting_parts(decisions.values())
            if await parts.bulk(counting, session=session) < len(counting):
                # Another replica has found a manifest void, or overtaken, while the last of its parts came.
                raise TransientError(f"parts of manifests of {tenant_id} are gone")
            await parts.bulk(removed_parts(decisions.values()), session=session)
            await parts.remove_many(forgotten_parts(tenant_id, before, headers), session=session)
            await self._receipts.note(tenant_id, decisions.values(), session=session)
            await self._queue.enqueue_refs(tenant_id, recalculated, session=session)

        await self._mongo.transaction(work)

    async def fall_back(self, tenant_id: str, integration_id: str, run_id: str) -> int:
        """Lets what was believed before a run count again, for some of its accounts; returns for how many.

        An account of which nothing was believed before counts as not read at all.
        """
        rows = self._mongo.documents(HEADERS, tenant_id)
        of_run = {"integration_id": integration_id, "current.run_id": run_id}

        async def work(session: Session) -> int:
            headers = await rows.find(of_run, limit=_FALLING_BACK, session=session)
            await rows.bulk([fallen_back(row) for row in headers], session=session)
            accounts = [Ref.decode(row["ref"]) for row in headers]
            await self._queue.enqueue_refs(tenant_id, accounts, session=session)
            return len(headers)

        return await self._mongo.transaction(work)

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
            headers = await rows.get_many(ids, fields=["ref", "current.revision"], session=session)
            older = [row for row in headers.values() if row["current"]["revision"] < before_revision]
            settled = {"due_at": None, "revision": {"$lt": before_revision}}
            changes: list[Change] = [Remove({"ref": row["ref"]} | settled) for row in older]
            await self._mongo.documents(PARTS, tenant_id).bulk(changes, session=session)
            await rows.remove_many([row["_id"] for row in older], session=session)
            await self._queue.enqueue_refs(
                tenant_id, [Ref.decode(row["ref"]) for row in older], session=session
            )

        await self._mongo.transaction(work)
