"""Usage lines as last reconciled, each saved with what the world hears of it."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from billing.usage.coverage_repository import CoverageRepository
from billing.usage.diff import LineRevision
from billing.usage.freshness import aged
from billing.usage.totals import Totals, TotalsTally
from billing.usage.usage_line import UsageLine
from shared.contracts.base import NoNumber, key_of
from shared.contracts.billing import LineClass, MoneyEffect
from shared.mongo import Document, Index, Mongo, Put, Session
from shared.outbox import Outbox
from shared.runtime.leases import LeaseLost

_COLLECTION, _GUARDS = "usage_lines", "line_guards"
_FENCES, _FENCE = "fences", "reconciling"

USAGE_LINE_INDEXES = (
    Index(_COLLECTION, [("scope", 1)]),
    Index(_COLLECTION, [("wide", 1)]),
    Index(_COLLECTION, [("tenant_id", 1), ("present", 1), ("place", 1)]),
    Index(_COLLECTION, [("tenant_id", 1), ("present", 1), ("line_class", 1), ("place", 1)]),
    Index(_COLLECTION, [("recheck_at", 1)], where={"recheck_at": {"$type": "date"}}),
)


class UsageLineRepository:
    """A tenant's usage lines."""

    def __init__(self, mongo: Mongo, outbox: Outbox, coverages: CoverageRepository) -> None:
        self._mongo, self._outbox, self._coverages = mongo, outbox, coverages
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, tenant_id: str, line_id: str) -> UsageLine | None:
        """The line with its ages as of now; also when it is no longer present."""
        row = await self._mongo.documents(_COLLECTION, tenant_id).get(key_of(tenant_id, line_id))
        return (await self._aged(tenant_id, [row]))[0] if row else None

    async def get_many(
        self, tenant_id: str, line_ids: Iterable[str], *, session: Session | None = None
    ) -> dict[str, UsageLine]:
        """By line id, as stored."""
        ids = [key_of(tenant_id, line_id) for line_id in line_ids]
        rows = await self._mongo.documents(_COLLECTION, tenant_id).get_many(ids, session=session)
        return {row["line_id"]: UsageLine.model_validate(row) for row in rows.values()}

    def turn(self, tenant_id: str) -> AbstractAsyncContextManager[Any]:
        """Hold this around a transaction that holds or saves lines: waiting is cheaper than conflicting."""
        return self._turns[tenant_id]

    async def hold(self, tenant_id: str, *, session: Session) -> None:
        """Make a transaction that saves lines of this tenant at the same time conflict with this one.

        One document for all of a tenant's lines: touching each line would double what an approval writes.
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
        """In the order of names, and the cursor of the next page; `search` is any part of any name."""
        wanted: Document = {"present": True}
        wanted |= {"line_class": line_class.value} if line_class else {}
        wanted |= {"search": {"$regex": re.escape(search.casefold())}} if search else {}
        wanted |= {"place": {"$gt": after}} if after else {}
        rows = await self._mongo.documents(_COLLECTION, tenant_id).find(
            wanted, sort=[("place", 1)], limit=limit + 1
        )
        more = rows[limit - 1]["place"] if len(rows) > limit else None
        return await self._aged(tenant_id, rows[:limit]), more

    async def of_scopes(self, tenant_id: str, scopes: Iterable[str]) -> list[UsageLine]:
        """As stored, those included that are no longer present."""
        rows = await self._mongo.documents(_COLLECTION, tenant_id).find_in("scope", scopes)
        return [UsageLine.model_validate(row) for row in rows]

    async def scopes_of(self, tenant_id: str, integration_id: str, *, stale: bool = False) -> set[str]:
        """The scopes of an integration's lines; `stale`: only where a number is."""
        old = [{"vendor_count.missing": NoNumber.STALE}, {"psa_count.missing": NoNumber.STALE}]
        wanted: Document = {"integration_ids": integration_id, "present": True}
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        return set(await rows.distinct("scope", wanted | ({"$or": old} if stale else {})))

    async def totals(self, tenant_id: str, integration_ids: Sequence[str]) -> Totals:
        """Over all lines of these integrations, in bounded memory."""
        wanted = {"integration_ids": {"$in": list(integration_ids)}, "present": True}
        fields = ["line_class", "money", "vendor_count.number", "psa_count.number"]
        tally = TotalsTally()
        async for row in self._mongo.documents(_COLLECTION, tenant_id).stream(wanted, fields=fields):
            numbers = row["vendor_count"]["number"], row["psa_count"]["number"]
            money = MoneyEffect.model_validate(row["money"])
            tally.add(LineClass(row["line_class"]), money, both_numbers=None not in numbers)
        return tally.totals

    async def due(self, now: datetime, limit: int) -> dict[str, set[str]]:
        """By tenant: the scopes of lines that time alone may have changed."""
        rows = await self._mongo.all_tenants(_COLLECTION).find(
            {"recheck_at": {"$lte": now}},
            sort=[("recheck_at", 1)],
            limit=limit,
            fields=["tenant_id", "scope"],
        )
        found: dict[str, set[str]] = {}
        for row in rows:
            found.setdefault(row["tenant_id"], set()).add(row["scope"])
        return found

    async def admit(self, token: str) -> None:
        """From now on only the reconciler with this token may save: a paused one cannot write old news."""
        fences = self._mongo.all_tenants(_FENCES)
        await fences.change({"_id": _FENCE}, {"$set": {"token": token}}, upsert=True)

    async def check(self, token: str) -> None:
        """Raises `LeaseLost` when another reconciler has been admitted."""
        fence = await self._mongo.all_tenants(_FENCES).get(_FENCE)
        if fence is None or fence["token"] != token:
            raise LeaseLost("another reconciler is at work")

    async def save(self, tenant_id: str, changes: Sequence[LineRevision], *, token: str) -> None:
        """Store and say in one transaction; raises `LeaseLost` when another reconciler has been admitted."""

        async def work(session: Session) -> None:
            mine, used = {"_id": _FENCE, "token": token}, {"$inc": {"uses": 1}}
            if not await self._mongo.all_tenants(_FENCES).change(mine, used, session=session):
                raise LeaseLost("another reconciler is at work")
            await self.hold(tenant_id, session=session)
            rows = self._mongo.documents(_COLLECTION, tenant_id)
            await rows.insert_many([_document(one.line) for one in changes if one.new], session=session)
            known = [Put(_document(one.line)) for one in changes if not one.new]
            await rows.bulk(known, session=session)
            await self._outbox.add([one.line.announcement() for one in changes if one.told], session=session)

        async with self.turn(tenant_id):
            await self._mongo.transaction(work)
        self._outbox.wake()

    async def _aged(self, tenant_id: str, rows: Sequence[Document]) -> list[UsageLine]:
        coverages = await self._coverages.of_tenant(tenant_id)
        return [aged(UsageLine.model_validate(row), coverages) for row in rows]


def _document(line: UsageLine) -> Document:
    """`place` puts lines in one order by name; `search` holds every name in one text."""
    names = line.names
    first = names.psa_account or "".join(names.vendor_accounts)
    place = [first, names.product or "".join(names.services), line.line_id]
    every = [*names.vendor_accounts, *names.services, names.psa_account, names.product, names.product_key]
    hidden: dict[str, Any] = {
        "_id": line.key,
        "wide": line.wide,
        "place": "\x1f".join(place).casefold(),
        "search": "\n".join(name for name in every if name).casefold(),
        "recheck_at": line.recheck_at,
    }
    return {**line.model_dump(mode="json"), **hidden}
