"""Remembers the read-backs of our own writes: they count at once, without a manifest."""

# A read-back counts until a manifest names the line by a reading that was made later. A line that it shows
# under another account is billed there alone: not where the manifest before still names it, too.
#
#   manifest: add1 read at r100: 5     written, read back at r150: 7   → 7
#   the next manifest names add1, read last at r90 → still 7           read last at r200 → as that says
#   read back at r150 under co2        → 7 at co2, and nothing at co1
#   and read by a run at r160 under co1 again → the same, until a manifest of co1 names that reading

from collections.abc import Iterable, Mapping

from billing.observations.manifests import ReadBack
from billing.observations.repository import OBSERVED
from billing.usage.ref import Ref
from shared.contracts.psa_sync import AgreementLineObserved
from shared.mongo import Document, Index, Mongo

_COLLECTION = "read_backs"

READ_BACK_INDEXES = (Index(_COLLECTION, [("ref", 1)]), Index(_COLLECTION, [("left", 1)]))


class ReadBacks:
    """Keeps the newest read-back of each line."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def note(self, tenant_id: str, lines: Mapping[Ref, Iterable[AgreementLineObserved]]) -> set[Ref]:
        """Notes read-backs by the account of their line; an older one than is noted changes nothing.

        They are stored as observations by now, which know the other accounts of their lines, before and
        since. Returns these: they bill the lines no more.
        """
        newest: dict[str, tuple[Ref, AgreementLineObserved]] = {}
        for account, of_account in lines.items():
            for line in of_account:
                if line.key not in newest or newest[line.key][1].revision < line.revision:
                    newest[line.key] = account, line
        if not newest:
            return set()
        observed = self._mongo.documents(OBSERVED[AgreementLineObserved], tenant_id)
        stored = await observed.get_many(newest, fields=["ref", "moved_from"])
        rows: list[Document] = [
            {
                "_id": key,
                "ref": account.encode(),
                "left": _other_accounts(stored.get(key), account.encode()),
                "line_id": line.line_id,
                "revision": line.revision,
            }
            for key, (account, line) in newest.items()
        ]
        await self._mongo.documents(_COLLECTION, tenant_id).upsert_newer(rows)
        return {Ref.decode(ref) for row in rows for ref in row["left"]}

    async def of_accounts(self, tenant_id: str, accounts: Iterable[Ref]) -> dict[Ref, dict[str, ReadBack]]:
        """The newest read-back of each line, by line id and account: the line's own, and those it left."""
        refs = {account.encode(): account for account in accounts}
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        found: dict[Ref, dict[str, ReadBack]] = {}
        for row in await rows.find_in("left", refs):
            for ref in refs.keys() & {*row["left"]}:
                found.setdefault(refs[ref], {})[row["line_id"]] = ReadBack(row["revision"], has_left=True)
        for row in await rows.find_in("ref", refs):
            read_back = ReadBack(row["revision"], has_left=False)
            found.setdefault(refs[row["ref"]], {})[row["line_id"]] = read_back
        return found


def _other_accounts(row: Document | None, ref: str) -> list[str]:
    """The accounts (encoded refs) of a stored line but for this one; its row may be of a later reading."""
    return sorted({row["ref"], *row["moved_from"]} - {ref}) if row else []
