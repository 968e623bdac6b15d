"""Remembers the read-backs of our own writes: they count at once, without a manifest."""

# A read-back counts until a manifest names the line by a reading that was made later:
#
#   manifest: add1 read at r100: 5     written, read back at r150: 7   → 7
#   the next manifest names add1, read last at r90 → still 7           read last at r200 → as that says

from collections.abc import Iterable, Mapping

from billing.usage.ref import Ref
from shared.contracts.psa_sync import AgreementLineObserved
from shared.mongo import Index, Mongo

_COLLECTION = "read_backs"

READ_BACK_INDEXES = (Index(_COLLECTION, [("ref", 1)]),)


class ReadBacks:
    """Keeps the newest read-back of each line."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def note(self, tenant_id: str, lines: Mapping[Ref, Iterable[AgreementLineObserved]]) -> None:
        """Notes read-backs by the account of their line; an older one than is noted changes nothing."""
        rows = [
            {"_id": line.key, "ref": account.encode(), "line_id": line.line_id, "revision": line.revision}
            for account, of_account in lines.items()
            for line in of_account
        ]
        if rows:
            await self._mongo.documents(_COLLECTION, tenant_id).upsert_newer(rows)

    async def of_accounts(self, tenant_id: str, accounts: Iterable[Ref]) -> dict[Ref, dict[str, int]]:
        """The revision of each line's newest read-back, by account and line id."""
        refs = {account.encode(): account for account in accounts}
        revisions: dict[Ref, dict[str, int]] = {}
        for row in await self._mongo.documents(_COLLECTION, tenant_id).find_in("ref", refs):
            revisions.setdefault(refs[row["ref"]], {})[row["line_id"]] = row["revision"]
        return revisions
