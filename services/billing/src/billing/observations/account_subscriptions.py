"""Remembers which subscriptions there was ever news of under which vendor account: the way from an account to its rows."""

# It stands in for an index on the subscriptions, which every observation would pay for: here an account has one
# document with the keys of its subscriptions, and the reconciler writes it only when a key is new.
#
# A set of keys only grows, so two writers can meet without a lock: each replaces the document only if it still has
# as many keys as were read, and otherwise looks again. A subscription that moved to another account is in both sets;
# its own row says under which it is now.

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
        """Adds the keys of subscriptions by account. Raises `TransientError` when others keep adding to the same.

        It looks first, for nearly always they are there, and looks again after writing, for another reconciler
        may have added others at that moment.
        """
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        left = {account.encode(): keys for account, keys in subscriptions.items()}
        for _ in range(_TRIES):
            existing = await rows.get_many(left)
            left = {ref: keys for ref, keys in left.items() if not _has(existing.get(ref), keys)}
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
        """The accounts of an integration that there was ever news of a subscription under."""
        first = key_of(RefKind.VENDOR_ACCOUNT, integration_id) + ":"
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        found = await rows.find({"_id": {"$gte": first, "$lt": first + "\uffff"}}, fields=["_id"])
        return {Ref.decode(row["_id"]) for row in found}


def _has(row: Document | None, keys: Collection[str]) -> bool:
    return row is not None and set(keys) <= set(row["keys"])


def _with_keys(row: Document, keys: Collection[str]) -> Replace:
    """Replaces the row only while it is as it was read: a set that only grows is the same while its size is."""
    unchanged = {"_id": row["_id"], "keys": {"$size": len(row["keys"])}}
    return Replace(unchanged, row | {"keys": sorted({*row["keys"], *keys})})
