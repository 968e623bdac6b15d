"""Remembers which things of an account there is newer news of than its manifest names."""

# Only for showing that something is being read: what arrives counts when a manifest names it. One document
# for each account stands in for an index on what was observed, which every observation would pay for.
#
# Invariant: at rest none is remembered that its manifest is not older than, whichever was seen to first: who
# notes news looks at the manifest after that, who applies a manifest looks at what is noted after that.
#
#   manifest r50; news of s1 at r60   → {s1}     manifest r70 applied → s1 at r60 is not newer → no document
#   manifest r70 applied; then news of s1 at r60 is noted              → likewise

from collections.abc import Collection, Mapping, Sequence

from billing.observations.repository import OBSERVED
from billing.usage.freshness import accounts_of
from billing.usage.manifest_reader import HEADERS, header_id
from billing.usage.ref import Ref
from billing.usage.usage_line import UsageLine
from shared.contracts.psa_sync import AgreementLineObserved
from shared.contracts.vendor_sync import SubscriptionObserved
from shared.errors import TransientError
from shared.mongo import Document, Mongo, Remove, Replace

_COLLECTION = "arriving"
_TRIES = 8


class ArrivingThings:
    """Adds, finds and forgets the arriving things (keys) of the accounts of both sides."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def add(self, tenant_id: str, things: Mapping[Ref, Collection[str]]) -> None:
        """Adds keys by account, but those that its manifest has caught up with already.

        Raises `TransientError` while others change the same accounts.
        """
        keys = {header_id(tenant_id, account): set(of_account) for account, of_account in things.items()}
        revisions = await self._applied(tenant_id, keys)
        older = await self._older(tenant_id, revisions, {id_: keys[id_] for id_ in revisions})
        arriving = {id_: left for id_, all_ in keys.items() if (left := all_ - older.get(id_, set()))}
        await self._insert(tenant_id, arriving)
        applied = await self._applied(tenant_id, arriving)
        changed = {id_: revision for id_, revision in applied.items() if revisions.get(id_) != revision}
        await self._forget_older(tenant_id, changed, arriving)

    async def _applied(self, tenant_id: str, ids: Collection[str]) -> dict[str, int]:
        """The revisions of the manifests that count now, of those accounts that have one."""
        headers = await self._mongo.documents(HEADERS, tenant_id).get_many(ids, fields=["current.revision"])
        return {id_: row["current"]["revision"] for id_, row in headers.items()}

    async def _insert(self, tenant_id: str, left: Mapping[str, Collection[str]]) -> None:
        rows = self._mongo.documents(_COLLECTION, tenant_id)
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
        raise TransientError(f"others are adding things to the same accounts of {tenant_id}")

    async def being_read(self, tenant_id: str, lines: Sequence[UsageLine]) -> set[str]:
        """The ids of the lines of whose accounts something arrives, on either side."""
        accounts = {line.line_id: accounts_of([line]) for line in lines}
        ids = {header_id(tenant_id, account): account for of_line in accounts.values() for account in of_line}
        rows = await self._mongo.documents(_COLLECTION, tenant_id).get_many(ids, fields=["_id"])
        arriving = {ids[id_] for id_ in rows}
        return {line_id for line_id, of_line in accounts.items() if arriving & of_line}

    async def forget_older(self, tenant_id: str, manifests: Mapping[Ref, int]) -> None:
        """Forgets what is not newer than these accounts' manifests, given by their revisions.

        Another change at the same moment wins: the next manifest forgets again.
        """
        revisions = {header_id(tenant_id, account): revision for account, revision in manifests.items()}
        await self._forget_older(tenant_id, revisions)

    async def _forget_older(
        self,
        tenant_id: str,
        revisions: Mapping[str, int],
        among: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """Looks at all keys of these documents, or at those among these alone."""
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        existing = await rows.get_many(revisions)
        looked_at = {
            id_: set(row["keys"] if among is None else among[id_]).intersection(row["keys"])
            for id_, row in existing.items()
        }
        older = await self._older(tenant_id, revisions, looked_at)
        await rows.bulk(
            [_replaced(row, set(row["keys"]) - older[id_]) for id_, row in existing.items() if older[id_]]
        )

    async def _older(
        self, tenant_id: str, revisions: Mapping[str, int], keys: Mapping[str, set[str]]
    ) -> dict[str, set[str]]:
        """Those of the keys that are not newer than these revisions."""
        wanted = set[str]().union(*keys.values())
        news: dict[str, Document] = {}
        for kind in (SubscriptionObserved, AgreementLineObserved):  # no key is of both
            rows = self._mongo.documents(OBSERVED[kind], tenant_id)
            news |= await rows.get_many(wanted - news.keys(), fields=["revision"])
        return {
            id_: {key for key in of_id if key not in news or news[key]["revision"] <= revisions[id_]}
            for id_, of_id in keys.items()
        }


def _replaced(row: Document, keys: Collection[str]) -> Replace | Remove:
    """Replaces or removes the document only while it is as it was read."""
    unchanged = {"_id": row["_id"], "version": row["version"]}
    if not keys:
        return Remove(unchanged)
    return Replace(unchanged, row | {"keys": sorted(keys), "version": row["version"] + 1})
