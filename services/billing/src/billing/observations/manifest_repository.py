"""Stores manifests: parts as they come, and the header of each account, which says what counts."""

# Invariant: what a manifest changes is changed in one transaction: the header, the receipt by which its run
# is closed, and the work of calculating its account again. The header keeps what counted before (`before`),
# and with it the parts that it names; whatever is older goes. Two replicas may apply at the same time: both
# write the header, so one of them conflicts, starts over and finds the manifest applied.

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import NamedTuple

from billing.observations.manifest_changes import fallen_back, forgotten_parts, header, settled_parts
from billing.observations.manifests import (
    ManifestDecision,
    Part,
    ReceivedManifest,
    StoredStatements,
    complete_manifests,
    part_document,
)
from billing.observations.repository import HISTORY, history_id
from billing.usage.manifest_reader import HEADERS, PARTS, header_id
from billing.usage.recalculation_queue import RecalculationQueue
from billing.usage.ref import Ref, RefKind
from shared.contracts.base import key_of, utc
from shared.contracts.manifest import AccountRead
from shared.mongo import Change, Document, Index, Mongo, Put, Session, Update
from shared.runtime.clock import Clock, utc_now

_RECEIPTS = "manifest_receipts"
_RECEIPT_LIFE = timedelta(days=40)
"""Longer than any run can take."""
_FALLING_BACK = 100
"""Accounts in one transaction."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = timedelta(milliseconds=250), timedelta(seconds=30)
_ROWS = {RefKind.VENDOR_ACCOUNT: "subscriptions", RefKind.PSA_ACCOUNT: "agreement_lines"}

MANIFEST_INDEXES = (
    Index(PARTS, [("due_at", 1)], where={"due_at": {"$type": "date"}}),
    Index(PARTS, [("ref", 1)]),
    Index(HEADERS, [("integration_id", 1)]),
    Index(_RECEIPTS, [("run", 1)]),
    Index(_RECEIPTS, [("at", 1)], ttl=_RECEIPT_LIFE),
)


class AppliedCount(NamedTuple):
    """How far the manifests of a run have come."""

    manifests: int
    went_back: bool
    """Whether one of them shows that the sync service has forgotten what it published."""


class ManifestRepository:
    """Keeps manifests of all tenants."""

    def __init__(self, mongo: Mongo, queue: RecalculationQueue, *, clock: Clock = utc_now) -> None:
        self._mongo, self._queue, self._clock = mongo, queue, clock

    async def store(self, tenant_id: str, parts: Iterable[AccountRead]) -> None:
        """Stores parts as they come; one that is there already stays as it is."""
        at = utc(self._clock())
        await self._mongo.documents(PARTS, tenant_id).insert_new([part_document(part, at) for part in parts])

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
        """Returns the complete manifests of these accounts that wait, the oldest first; puts off the rest."""
        refs = [account.encode() for account in accounts]
        parts = await self._mongo.documents(PARTS, tenant_id).find_in(
            "ref", refs, where={"due_at": {"$type": "date"}}
        )
        received: dict[Ref, list[ReceivedManifest]] = {account: [] for account in accounts}
        for manifest in complete_manifests(parts):
            received[manifest.account].append(manifest)
        complete = {part["_id"] for of_one in received.values() for one in of_one for part in one.parts}
        await self.put_off(tenant_id, [part for part in parts if part["_id"] not in complete])
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
                {key for key, *_ in named}, fields=["revision"]
            )
            older = [
                (history_id(name, key, revision), account, (id_, revision), rows.get(key))
                for key, account, id_, revision in named
                if key not in rows or rows[key]["revision"] != revision
            ]
            history = await self._mongo.documents(HISTORY, tenant_id).get_many(
                {text for text, *_ in older}, fields=["_id"]
            )
            for account in {account for _, account, *_ in older}:
                known[account] = StoredStatements(
                    {
                        statement
                        for text, one, statement, _ in older
                        if one == account and text not in history
                    },
                    {
                        statement[0]: row["revision"]
                        for _, one, statement, row in older
                        if one == account and row
                    },
                )
        return known

    async def apply(
        self, tenant_id: str, decisions: Mapping[Ref, ManifestDecision], recalculated: Collection[Ref]
    ) -> None:
        """Lets the effective manifests count, and notes those that were overtaken; all in one transaction.

        `recalculated` are the accounts whose numbers change by it.
        """
        rows = self._mongo.documents(HEADERS, tenant_id)
        effective = {
            header_id(tenant_id, account): decision.effective
            for account, decision in decisions.items()
            if decision.effective
        }
        went_back = {
            header_id(tenant_id, account) for account, decision in decisions.items() if decision.went_back
        }

        async def work(session: Session) -> None:
            before = await rows.get_many(effective, session=session)
            headers = [
                header(id_, manifest, before.get(id_), went_back=id_ in went_back)
                for id_, manifest in effective.items()
                if id_ not in before or before[id_]["current"]["revision"] < manifest.revision
            ]
            await rows.bulk([Put(row) for row in headers], session=session)
            parts = self._mongo.documents(PARTS, tenant_id)
            await parts.bulk(settled_parts(decisions.values()), session=session)
            await parts.remove_many(forgotten_parts(tenant_id, before, headers), session=session)
            receipts = self._mongo.documents(_RECEIPTS, tenant_id)
            await receipts.bulk(self._receipts(tenant_id, decisions.values()), session=session)
            await self._queue.enqueue_refs(tenant_id, recalculated, session=session)

        await self._mongo.transaction(work)

    async def fall_back(self, tenant_id: str, integration_id: str, run_id: str) -> int:
        """Lets what counted before a run count again, for some of its accounts; returns for how many.

        An account that was never read before counts as not read at all.
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
        rows = await self._mongo.documents(_RECEIPTS, tenant_id).find(
            {"run": key_of(tenant_id, integration_id, run_id)}, fields=["nth", "went_back"]
        )
        return AppliedCount(sum(row["nth"] for row in rows), any(row.get("went_back") for row in rows))

    async def waiting_accounts(self, tenant_id: str, integration_id: str, run_id: str) -> list[str]:
        """Returns the ids of the accounts whose manifest of a run has come, and waits for observations."""
        of_run = {"integration_id": integration_id, "run_id": run_id, "due_at": {"$type": "date"}}
        refs = await self._mongo.documents(PARTS, tenant_id).distinct("ref", of_run)
        return sorted(Ref.decode(ref).id for ref in refs)

    def _receipts(self, tenant_id: str, decisions: Iterable[ManifestDecision]) -> list[Change]:
        at = utc(self._clock())
        changes: list[Change] = []
        for decision in decisions:
            noted = [*decision.overtaken, *([decision.effective] if decision.effective else [])]
            for manifest in noted:
                first, account = manifest.parts[0], manifest.account
                run = key_of(tenant_id, account.integration_id, first["run_id"])
                update: Document = {"$max": {"nth": first["nth"]}, "$set": {"run": run, "at": at}}
                if decision.went_back and manifest is decision.effective:
                    update["$set"]["went_back"] = True
                changes.append(Update({"_id": f"{run}/{account.encode()}"}, update, upsert=True))
        return changes
