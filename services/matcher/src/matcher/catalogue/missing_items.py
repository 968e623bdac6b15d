"""Items that decisions name and that are not stored, as after a restore of the database.

Lists and counts show stored items alone. What is decided on others must not be counted with them, and only
decisions that come back from the topic can name such: people and the exact rule decide on what is stored.
"""

# Invariant: an item that a decision names is stored, or noted here. It is noted together with the decision,
# and the note goes once the item was stored and looked at by the exact rule, which is enqueued after storing.
# In between it is both, so whoever asks looks whether it is stored:
#
#   told: 1 → 9, neither is stored   noted: 1, 9    1 is observed   → 9 alone is missing   matched: 1 goes

from collections.abc import Collection

from matcher.catalogue.items import ItemKind
from matcher.catalogue.search import ItemEnd
from shared.contracts.base import key_of
from shared.mongo import Mongo, Put, Session

MISSING_ITEMS = "missing_items"


class MissingItems:
    """One tenant's items that decisions name and that were never stored."""

    def __init__(self, mongo: Mongo, tenant_id: str, session: Session | None = None) -> None:
        self._mongo, self._tenant_id, self._session = mongo, tenant_id, session
        self._notes = mongo.documents(MISSING_ITEMS, tenant_id)

    async def note(self, kind: ItemKind, ends: Collection[ItemEnd]) -> None:
        """Notes those of the items that are not stored."""
        documents = [
            {"_id": _note_id(kind, key_of(self._tenant_id, *end)), "kind": kind.value, "end": list(end)}
            for end in await self._not_stored(kind, ends)
        ]
        await self._notes.bulk([Put(document) for document in documents], session=self._session)

    async def forget(self, kind: ItemKind, keys: Collection[str]) -> None:
        """Removes the notes of those of the items that are stored by now."""
        if not keys or not await self._notes.find({"kind": kind.value}, limit=1, session=self._session):
            return  # as nearly always
        rows = self._mongo.documents(kind, self._tenant_id)
        stored = await rows.get_many(keys, fields=["_id"], session=self._session)
        await self._notes.remove_many([_note_id(kind, key) for key in stored], session=self._session)

    async def ends(self, kind: ItemKind) -> set[ItemEnd]:
        """Returns the items of this kind that decisions name and that are not stored."""
        rows = await self._notes.find({"kind": kind.value}, session=self._session)
        return await self._not_stored(kind, {(row["end"][0], row["end"][1]) for row in rows})

    async def _not_stored(self, kind: ItemKind, ends: Collection[ItemEnd]) -> set[ItemEnd]:
        key_by_end = {end: key_of(self._tenant_id, *end) for end in ends}
        rows = self._mongo.documents(kind, self._tenant_id)
        stored = await rows.get_many(key_by_end.values(), fields=["_id"], session=self._session)
        return {end for end, key in key_by_end.items() if key not in stored}


def _note_id(kind: ItemKind, key: str) -> str:
    return f"{kind}/{key}"
