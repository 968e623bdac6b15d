"""Which subscriptions were ever told of under which vendor account: the way from an account to its rows.

Kept by the reconciler instead of an index on the subscriptions, which every observation would pay for.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from shared.contracts.base import key_of
from shared.mongo import Document, Mongo, Update

_COLLECTION = "members"

Rows = defaultdict[str, list[Document]]
"""Rows by their refs."""


class Members:
    """Grows only; a subscription that has moved away is told by its own row."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def join(self, tenant_id: str, members: Mapping[str, Collection[str]]) -> None:
        """By account (ref): keys of subscriptions. Look first: nearly always they are there."""
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        known = await rows.get_many(members) if members else {}
        new = [{"_id": ref, "keys": sorted(keys)} for ref, keys in members.items() if ref not in known]
        await rows.insert_new(new)
        more = {ref: set(members[ref]) - set(row["keys"]) for ref, row in known.items()}
        await rows.bulk([_joining(ref, keys) for ref, keys in more.items() if keys])

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


def _joining(ref: str, keys: Collection[str]) -> Update:
    return Update({"_id": ref}, {"$addToSet": {"keys": {"$each": sorted(keys)}}})
