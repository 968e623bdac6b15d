"""Remembers how new the news of each account is, beside what counts of it."""

# Only for showing that something is being read: what arrives counts when a manifest names it. One document
# for each account stands in for an index on what was observed, which every observation would pay for.
#
# Invariant: of all news of an account that was noted, the largest revision is kept, in whatever order it
# came. A manifest has caught up with what is not newer than it, so nothing need be forgotten when it counts.
#
#   counts: r50   noted: s1 at r60, s2 at r55   → r60: being read     counts: r70 → all of it is known
#   a person rejects the run of r70: r50 counts again, and r70 was before it → nothing is being read
#   the same, and nothing was believed before: the header goes, and r60 with it → nothing is being read

from collections.abc import Mapping, Sequence

from billing.usage.freshness import accounts_of
from billing.usage.manifest_reader import HEADERS, NAMED_FIELDS, header_id, named_parts
from billing.usage.ref import Ref
from billing.usage.usage_line import UsageLine
from shared.mongo import Document, Mongo, Remove, Session

_COLLECTION = "account_news"


class AccountNews:
    """Keeps the revision of the newest news of each account, and compares it with what counts."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def note(self, tenant_id: str, revisions: Mapping[Ref, int]) -> None:
        """Notes news by account; raises `TransientError` while others keep noting it of the same accounts."""
        rows = (
            {"_id": header_id(tenant_id, account), "revision": revision}
            for account, revision in revisions.items()
        )
        await self._mongo.documents(_COLLECTION, tenant_id).upsert_newer(rows)

    async def forget(self, tenant_id: str, headers: Mapping[str, Document], *, session: Session) -> None:
        """Forgets what these headers (by id) had caught up with, which go: nothing of it is on its way."""
        caught_up = [
            Remove({"_id": id_, "revision": {"$lte": max(named_parts(row))}}) for id_, row in headers.items()
        ]
        await self._mongo.documents(_COLLECTION, tenant_id).bulk(caught_up, session=session)

    async def being_read(self, tenant_id: str, lines: Sequence[UsageLine]) -> set[str]:
        """The ids of the lines of whose accounts, on either side, there is newer news than was applied."""
        accounts = {line.line_id: accounts_of([line]) for line in lines}
        ids = {header_id(tenant_id, account): account for of_line in accounts.values() for account in of_line}
        news = await self._mongo.documents(_COLLECTION, tenant_id).get_many(ids)
        headers = await self._mongo.documents(HEADERS, tenant_id).get_many(news, fields=NAMED_FIELDS)
        applied = {id_: max(named_parts(row)) for id_, row in headers.items()}
        newer = {ids[id_] for id_, row in news.items() if row["revision"] > applied.get(id_, 0)}
        return {line_id for line_id, of_line in accounts.items() if newer & of_line}
