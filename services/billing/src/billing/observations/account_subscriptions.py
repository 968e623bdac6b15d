"""Remembers which subscriptions a vendor account ever had: the way from an account to its rows."""

# One document for each account stands in for an index on the subscriptions, which every observation would pay
# for. Its set of keys only grows, so two writers need no lock: each replaces the document only while it has
# as many keys as were read, and looks again otherwise. A subscription that moved is in two sets; its own row
# says where it is.

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from billing.usage.ref import Ref, RefKind
from shared.contracts.base import key_of
from shared.errors import TransientError
from shared.mongo import Document, Mongo, Replace

_COLLECTION = "members"
_TRIES = 8

RowsByRef = Mapping[Ref, list[Document]]


class AccountSubscriptions:
    """Adds and finds the subscriptions of vendor accounts."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def add(self, tenant_id: str, subscriptions: Mapping[Ref, Collection[str]]) -> None:
        """Adds keys of subscriptions by account. Raises `TransientError` while others do so too.

        It looks first, as nearly always they are there, and looks again after writing, as another reconciler
        may have added others at that moment.
        """
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        left = {account.encode(): keys for account, keys in subscriptions.items()}
        for _ in range(_TRIES):
            existing = await rows.get_many(left)
            known = {ref: set(row["keys"]) for ref, row in existing.items()}
            left = {ref: keys for ref, keys in left.items() if not known.get(ref, set()).issuperset(keys)}
            if not left:
                return
            await rows.insert_new(
                {"_id": ref, "keys": sorted(keys)} for ref, keys in left.items() if ref not in existing
            )
            await rows.bulk(
                [_with_keys(existing[ref], keys) for ref, keys in left.items() if ref in existing]
            )
        raise TransientError(f"others are adding subscriptions to the same accounts of {tenant_id}")

    async def rows_of(self, tenant_id: str, accounts: Iterable[Ref]) -> RowsByRef:
        """The rows of the subscriptions that belong to these accounts now."""
        refs = {account.encode(): account for account in accounts}
        sets = await self._mongo.documents(_COLLECTION, tenant_id).get_many(refs)
        keys = dict.fromkeys(key for row in sets.values() for key in row["keys"])
        rows = await self._mongo.documents("subscriptions", tenant_id).get_many(keys)
        by_account: defaultdict[Ref, list[Document]] = defaultdict(list)
        for row in rows.values():
            if row["ref"] in refs:
                by_account[refs[row["ref"]]].append(row)
        return by_account

    async def accounts(self, tenant_id: str, integration_id: str) -> set[Ref]:
        """The accounts of an integration that ever had a subscription."""
        first = key_of(RefKind.VENDOR_ACCOUNT, integration_id) + ":"
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        found = await rows.find({"_id": {"$gte": first, "$lt": first + "\uffff"}}, fields=["_id"])
        return {Ref.decode(row["_id"]) for row in found}


def _with_keys(row: Document, keys: Collection[str]) -> Replace:
    """Replaces the row only while it is as it was read: a set that only grows is the same as its size is."""
    unchanged = {"_id": row["_id"], "keys": {"$size": len(row["keys"])}}
    return Replace(unchanged, row | {"keys": sorted({*row["keys"], *keys})})
