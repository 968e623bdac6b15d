"""Which subscriptions were ever told of under which vendor account: the way from an account to its rows.

Kept by the reconciler instead of an index on the subscriptions, which every observation would pay for.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from shared.contracts.base import key_of
from shared.errors import TransientError
from shared.mongo import Document, Mongo, Replace

_COLLECTION = "members"
_TRIES = 8

Rows = defaultdict[str, list[Document]]
"""Rows by their refs."""


class AccountSubscriptions:
    """Grows only; a subscription that has moved away is told by its own row."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def join(self, tenant_id: str, members: Mapping[str, Collection[str]]) -> None:
        """By account (ref): keys of subscriptions. Look first: nearly always they are there.

        And look again after writing: another reconciler may have joined others at that moment. Raises
        `TransientError` when that goes on.
        """
        rows, left = self._mongo.documents(_COLLECTION, tenant_id), dict(members)
        for _ in range(_TRIES):
            known = await rows.get_many(left) if left else {}
            left = {ref: keys for ref, keys in left.items() if not _has(known.get(ref), keys)}
            if not left:
                return
            new = [{"_id": ref, "keys": sorted(keys)} for ref, keys in left.items() if ref not in known]
            await rows.insert_new(new)
            await rows.bulk([_joining(known[ref], keys) for ref, keys in left.items() if ref in known])
        raise TransientError(f"others are joining subscriptions to the same accounts of {tenant_id}")

    async def subscriptions(self, tenant_id: str, accounts: Iterable[str]) -> Rows:
        """The subscriptions of these accounts (refs), as they stand."""
        members = await self._mongo.documents(_COLLECTION, tenant_id).get_many(accounts)
        keys = {key: ref for ref, row in members.items() for key in row["keys"]}
        rows = await self._mongo.documents("subscriptions", tenant_id).get_many(keys) if keys else {}
        return by_ref(row for row in rows.values() if row["ref"] in members)

    async def accounts(self, tenant_id: str, integration_id: str) -> set[str]:
        """The accounts (refs) of an integration that anything was ever told of."""
        first = key_of("v", integration_id) + ":"
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        found = await rows.find({"_id": {"$gte": first, "$lt": first + "\uffff"}}, fields=["_id"])
        return {row["_id"] for row in found}


def by_ref(rows: Iterable[Document]) -> Rows:
    found: Rows = defaultdict(list)
    for row in rows:
        found[row["ref"]].append(row)
    return found


def _has(row: Document | None, keys: Collection[str]) -> bool:
    return row is not None and set(keys) <= set(row["keys"])


def _joining(row: Document, keys: Collection[str]) -> Replace:
    """Only what is as it was read is replaced: a set that only grows is the same as long as its size is."""
    unchanged = {"_id": row["_id"], "keys": {"$size": len(row["keys"])}}
    return Replace(unchanged, row | {"keys": sorted({*row["keys"], *keys})})
