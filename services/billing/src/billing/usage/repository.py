"""Keeps usage lines as last reconciled, each saved in one transaction with the event that announces it."""

# Four things keep two writers of a line apart:
#
#   fence      a reconciler that was paused while another took the lead must not save what it calculated
#   guard      an approval and a reconciliation at once: both write one document, and one is rolled back
#   lock       within one process they wait for each other instead, which is cheaper than running again
#   revision   a line that an approval has restated since it was read is calculated again

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol

from billing.usage.diff import LineRevision
from billing.usage.freshness import accounts_of, with_current_ages
from billing.usage.manifest_reader import ManifestReader
from billing.usage.recalculation_queue import RecalculationQueue
from billing.usage.ref import Ref
from billing.usage.totals import Totals, TotalsTally
from billing.usage.usage_line import UNDECIDED, UsageLine
from shared.contracts import Message
from shared.contracts.base import key_of
from shared.contracts.billing import LineClass, MoneyEffect
from shared.errors import TransientError
from shared.mongo import Document, Index, Mongo, Replace, Session
from shared.outbox import Outbox
from shared.plain_text import sort_text
from shared.runtime.leases import LeaseLost
from shared.runtime.shards import shard_of

_COLLECTION, _GUARDS = "usage_lines", "line_guards"
_FENCES = "fences"

USAGE_LINE_INDEXES = (
    Index(_COLLECTION, [("scope", 1)]),
    Index(_COLLECTION, [("wide", 1)]),
    Index(_COLLECTION, [("tenant_id", 1), ("present", 1), ("place", 1)]),
    Index(_COLLECTION, [("tenant_id", 1), ("present", 1), ("line_class", 1), ("place", 1)]),
    Index(_COLLECTION, [("recheck_at", 1)], where={"recheck_at": {"$type": "date"}}),
)


class LineWatcher(Protocol):
    """What must happen in the very transaction that stores recalculated lines.

    Whoever watches rests on usage, never the other way.
    """

    async def lines_changed(
        self, tenant_id: str, revisions: Sequence[LineRevision], *, session: Session
    ) -> Sequence[Message]:
        """Returns the messages to send because these lines are something else than before."""


class UsageLineRepository:
    """Reads and saves the usage lines of a tenant."""

    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo, self._outbox, self._manifests = mongo, outbox, ManifestReader(mongo)
        self._queue = RecalculationQueue(mongo)
        self._tenant_locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.watchers: list[LineWatcher] = []

    async def get(self, tenant_id: str, line_id: str) -> UsageLine | None:
        """The line with its current ages, also when it is no longer present; None when there was none."""
        row = await self._mongo.documents(_COLLECTION, tenant_id).get(key_of(tenant_id, line_id))
        return (await self._with_current_ages(tenant_id, [row]))[0] if row else None

    async def get_many(
        self, tenant_id: str, line_ids: Iterable[str], *, session: Session | None = None
    ) -> dict[str, UsageLine]:
        """The lines as stored, by line id; ids without a line are left out."""
        ids = [key_of(tenant_id, line_id) for line_id in line_ids]
        rows = await self._mongo.documents(_COLLECTION, tenant_id).get_many(ids, session=session)
        return {row["line_id"]: UsageLine.model_validate(row) for row in rows.values()}

    def tenant_lock(self, tenant_id: str) -> AbstractAsyncContextManager[Any]:
        """The lock of this process to hold around a transaction that calls `assert_ownership`.

        Waiting for it is cheaper than the conflict that the transaction would meet otherwise.
        """
        return self._tenant_locks[tenant_id]

    async def assert_ownership(self, tenant_id: str, *, session: Session) -> None:
        """Makes any other transaction that asserts ownership of this tenant's lines conflict with this one.

        It writes one document for all lines of the tenant: writing each would double an approval's writes.
        """
        guards = self._mongo.documents(_GUARDS, tenant_id)
        await guards.change({"_id": tenant_id}, {"$inc": {"uses": 1}}, upsert=True, session=session)

    async def page(
        self,
        tenant_id: str,
        *,
        line_class: LineClass | None = None,
        search: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> tuple[list[UsageLine], str | None]:
        """Present lines in the order of names, and the sort key that the next page starts after.

        `search` is any part of any name, whatever its case. The key is None on the last page.
        """
        filter_: Document = {"present": True}
        filter_ |= {"line_class": line_class.value} if line_class else {}
        filter_ |= {"search": {"$regex": re.escape(search.casefold())}} if search else {}
        filter_ |= {"place": {"$gt": after}} if after else {}
        rows = await self._mongo.documents(_COLLECTION, tenant_id).find(
            filter_, sort=[("place", 1)], limit=limit + 1
        )
        more = rows[limit - 1]["place"] if len(rows) > limit else None
        return await self._with_current_ages(tenant_id, rows[:limit]), more

    async def lines_of_accounts(self, tenant_id: str, accounts: Iterable[Ref]) -> list[UsageLine]:
        """The lines of these accounts as stored, those included that are no longer present."""
        texts = (account.encode() for account in accounts)
        rows = await self._mongo.documents(_COLLECTION, tenant_id).find_in("scope", texts)
        return [UsageLine.model_validate(row) for row in rows]

    async def undecided_accounts(self, tenant_id: str, integration_id: str) -> set[Ref]:
        """The accounts that have a line of an integration with a number that is stale or unread."""
        undecided = sorted(UNDECIDED)
        filter_: Document = {
            "integration_ids": integration_id,
            "present": True,
            "$or": [{f"{side}.missing": {"$in": undecided}} for side in ("vendor_count", "psa_count")],
        }
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        return {Ref.decode(text) for text in await rows.distinct("scope", filter_)}

    async def totals(self, tenant_id: str, integration_ids: Sequence[str]) -> Totals:
        """Sums up all lines of these integrations, row by row: any number of them fits in memory."""
        filter_ = {"integration_ids": {"$in": list(integration_ids)}, "present": True}
        fields = ["line_class", "money", "vendor_count.number", "psa_count.number"]
        tally = TotalsTally()
        async for row in self._mongo.documents(_COLLECTION, tenant_id).stream(filter_, fields=fields):
            numbers = row["vendor_count"]["number"], row["psa_count"]["number"]
            money = MoneyEffect.model_validate(row["money"])
            tally.add(LineClass(row["line_class"]), money, both_numbers=None not in numbers)
        return tally.totals

    async def due_accounts(self, now: datetime, limit: int) -> dict[str, set[Ref]]:
        """By tenant: the accounts of the first `limit` lines that time alone may have changed."""
        rows = await self._mongo.all_tenants(_COLLECTION).find(
            {"recheck_at": {"$lte": now}},
            sort=[("recheck_at", 1)],
            limit=limit,
            fields=["tenant_id", "scope"],
        )
        accounts: defaultdict[str, set[Ref]] = defaultdict(set)
        for row in rows:
            accounts[row["tenant_id"]].add(Ref.decode(row["scope"]))
        return accounts

    async def acquire_fence(self, shard: int, token: str) -> None:
        """From now on only the reconciler with this token may save lines of the shard's tenants.

        A paused one cannot write old results.
        """
        fences = self._mongo.all_tenants(_FENCES)
        await fences.change({"_id": _fence(shard)}, {"$set": {"token": token}}, upsert=True)

    async def verify_fence(self, tenant_id: str, token: str) -> None:
        """Raises `LeaseLost` when another reconciler has acquired the fence of the tenant's shard since."""
        fence = await self._mongo.all_tenants(_FENCES).get(_fence(shard_of(tenant_id)))
        if fence is None or fence["token"] != token:
            raise LeaseLost("another reconciler is at work")

    async def save(self, tenant_id: str, revisions: Sequence[LineRevision], *, token: str) -> None:
        """Stores lines and their events in one transaction.

        Raises `LeaseLost` when another reconciler has acquired the fence of the tenant's shard since.
        """

        async def store(session: Session) -> None:
            # The fence is written, not only read, so that a rival which acquires it meanwhile conflicts with
            # this transaction.
            own_fence, used = {"_id": _fence(shard_of(tenant_id)), "token": token}, {"$inc": {"uses": 1}}
            if not await self._mongo.all_tenants(_FENCES).change(own_fence, used, session=session):
                raise LeaseLost("another reconciler is at work")
            await self._store(tenant_id, revisions, session)

        async with self.tenant_lock(tenant_id):
            await self._mongo.transaction(store)
        self._outbox.wake()

    async def restate(self, tenant_id: str, revisions: Sequence[LineRevision], *, session: Session) -> None:
        """Stores lines that were calculated without a fence, in the transaction of what was decided on them.

        The reconciler may have seen newer news by now: it is asked to calculate their accounts again.
        """
        await self._store(tenant_id, revisions, session)
        accounts = {revision.line.account for revision in revisions}
        await self._queue.enqueue_refs(tenant_id, accounts, session=session)

    async def _store(self, tenant_id: str, revisions: Sequence[LineRevision], session: Session) -> None:
        await self.assert_ownership(tenant_id, session=session)
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        new = [_document(revision.line) for revision in revisions if revision.new]
        known = [
            Replace({"_id": before.key, "revision": before.revision}, _document(revision.line))
            for revision in revisions
            if (before := revision.before)
        ]
        await rows.insert_many(new, session=session)
        if await rows.bulk(known, session=session) < len(known):
            raise TransientError(f"others have stored lines of {tenant_id} since they were read")
        events: list[Message] = [revision.line.announcement() for revision in revisions if revision.announced]
        for watcher in self.watchers:
            events += await watcher.lines_changed(tenant_id, revisions, session=session)
        await self._outbox.add(events, session=session)

    async def _with_current_ages(self, tenant_id: str, rows: Sequence[Document]) -> list[UsageLine]:
        lines = [UsageLine.model_validate(row) for row in rows]
        manifests = await self._manifests.ages(tenant_id, accounts_of(lines))
        return [with_current_ages(line, manifests) for line in lines]


def _fence(shard: int) -> str:
    return f"reconciling:{shard}"


def _document(line: UsageLine) -> Document:
    """The line with the fields that it is found by.

    `scope` is its account and `wide` its product or service, both as encoded refs; `place` is the sort key,
    by name; `search` holds every name, casefolded.
    """
    names = line.names
    first = names.psa_account or "".join(names.vendor_accounts)
    second = names.product or "".join(names.services)
    of_target = names.psa_account, names.product, names.product_key
    every_name = [*names.vendor_accounts, *names.services, *of_target]
    found_by: dict[str, Any] = {
        "_id": line.key,
        "scope": line.account.encode(),
        "wide": line.catalogue_item.encode(),
        "place": "\x1f".join((sort_text(first), sort_text(second), line.line_id)),
        "search": "\n".join(name for name in every_name if name).casefold(),
        "recheck_at": line.recheck_at,  # as a date: the index on it holds dates only
    }
    return {**line.model_dump(mode="json"), **found_by}
