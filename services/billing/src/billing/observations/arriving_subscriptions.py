"""Remembers which subscriptions of an account there is newer news of than its manifest names."""

# Only for showing that something is being read: what arrives counts when a manifest names it. One document
# for each account stands in for an index on the subscriptions, which every observation would pay for.
#
#   manifest r50; news of s1 at r60   → {s1}     manifest r70 applied → s1 at r60 is not newer → no document

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from billing.usage.manifest_reader import header_id
from billing.usage.ref import Ref
from billing.usage.usage_line import UsageLine
from shared.errors import TransientError
from shared.mongo import Document, Mongo, Remove, Replace

_COLLECTION = "arriving"
_TRIES = 8


class ArrivingSubscriptions:
    """Adds, finds and forgets the arriving subscriptions (keys) of vendor accounts."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def add(self, tenant_id: str, subscriptions: Mapping[Ref, Collection[str]]) -> None:
        """Adds keys by account. Raises `TransientError` while others change the same accounts."""
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        left = {header_id(tenant_id, account): keys for account, keys in subscriptions.items()}
        for _ in range(_TRIES):
            existing = await rows.get_many(left)
            known = {id_: set(row["keys"]) for id_, row in existing.items()}
            left = {id_: keys for id_, keys in left.items() if not known.get(id_, set()).issuperset(keys)}
            if not left:
                return
            await rows.insert_new(
                {"_id": id_, "keys": sorted(keys), "version": 0}
                for id_, keys in left.items()
                if id_ not in existing
            )
            await rows.bulk(
                [
                    _replaced(existing[id_], known[id_].union(keys))
                    for id_, keys in left.items()
                    if id_ in existing
                ]
            )
        raise TransientError(f"others are adding subscriptions to the same accounts of {tenant_id}")

    async def being_read(self, tenant_id: str, lines: Sequence[UsageLine]) -> set[str]:
        """The ids of the lines of whose vendor accounts something arrives."""
        accounts = {line.line_id: _vendor_accounts(line) for line in lines}
        ids = {header_id(tenant_id, account): account for of_line in accounts.values() for account in of_line}
        rows = await self._mongo.documents(_COLLECTION, tenant_id).get_many(ids, fields=["_id"])
        arriving = {ids[id_] for id_ in rows}
        return {line_id for line_id, of_line in accounts.items() if arriving & of_line}

    async def forget_older(self, tenant_id: str, manifests: Mapping[Ref, int]) -> None:
        """Forgets what is not newer than these accounts' manifests, given by their revisions.

        Another change at the same moment wins: the next manifest forgets again.
        """
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        revisions = {header_id(tenant_id, account): revision for account, revision in manifests.items()}
        existing = await rows.get_many(revisions)
        keys = {key for row in existing.values() for key in row["keys"]}
        news = await self._mongo.documents("subscriptions", tenant_id).get_many(keys, fields=["revision"])
        newer: defaultdict[str, set[str]] = defaultdict(set)
        for id_, row in existing.items():
            for key in row["keys"]:
                if key in news and news[key]["revision"] > revisions[id_]:
                    newer[id_].add(key)
        await rows.bulk([_replaced(row, newer[id_]) for id_, row in existing.items()])


def _replaced(row: Document, keys: Collection[str]) -> Replace | Remove:
    """Replaces or removes the document only while it is as it was read."""
    unchanged = {"_id": row["_id"], "version": row["version"]}
    if not keys:
        return Remove(unchanged)
    return Replace(unchanged, row | {"keys": sorted(keys), "version": row["version"] + 1})


def _vendor_accounts(line: UsageLine) -> set[Ref]:
    return {*map(Ref.decode, line.vendor_accounts), *(item.account for item in line.evidence.items)}
