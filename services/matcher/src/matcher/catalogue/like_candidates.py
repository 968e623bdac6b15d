"""Finds the items that look like a given one, in the words that an index has."""

# Invariant: what is read is bounded, however many items there are. The rarest words of the given item come
# first; a word that too many have tells little, and is passed over. What no word finds is not like it:
#
#   "Contoso Dental LLC" of 100,000   conto* 12 items: read   denta* 9,000, llc* 20,000: passed over
#   "Dental Care"                     denta* and care* are common, 400 have both: these are read too
#
# A word is looked for by its beginning, so that a slip behind it does no harm.

import asyncio

from matcher.catalogue.documents import has_word, item_from
from matcher.catalogue.items import Item, ItemKind
from matcher.catalogue.likeness import Likeness, NameShape
from matcher.catalogue.words import CODE_MARK, item_words
from shared.contracts.base import key_of
from shared.mongo import Document, Documents, Mongo

_MOST = 1_000
"""Items that are read and compared: a twentieth of a second."""
_ENOUGH = 50
"""Items that fill a page: with fewer, those are read too that have all of the common words."""
_WORDS = 6
"""Words of the given item that are looked for; the longest, for these are rare."""
_BEGINNING = 5


class LikeCandidates:
    """Reads outside a unit of work: what is read may be a moment old."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def item(self, tenant_id: str, kind: ItemKind, integration_id: str, id_: str) -> Item | None:
        row = await self._mongo.documents(kind, tenant_id).get(key_of(tenant_id, integration_id, id_))
        return item_from(kind, row) if row else None

    async def find(self, kind: ItemKind, like: Item) -> dict[str, Likeness]:
        """Returns how alike the items of this kind are that look like the given one, by key."""
        words = item_words(like.name, like.code)
        shape = NameShape.of(like.name, words)
        found = await self._candidates(self._mongo.documents(kind, like.tenant_id), words)
        return {key: shape.likeness(NameShape.of(row["name"], row["words"])) for key, row in found.items()}

    async def _candidates(self, rows: Documents, words: list[str]) -> dict[str, Document]:
        longest = sorted({word[:_BEGINNING] for word in words if word[0] != CODE_MARK}, key=len)[-_WORDS:]
        filters = [has_word(word) for word in longest]
        filters += [has_word(word) for word in words if word[0] == CODE_MARK]
        counts = await asyncio.gather(*(rows.count(one, limit=_MOST + 1) for one in filters))
        found: dict[str, Document] = {}
        common: list[Document] = []
        for count, filter_ in sorted(zip(counts, filters, strict=True), key=lambda one: one[0]):
            if count and len(found) + count <= _MOST:
                found |= await self._read(rows, filter_, count)
            elif count:
                common.append(filter_)
        if common and len(found) < _ENOUGH:
            found |= await self._read(rows, {"$and": common}, _MOST - len(found))
        return found

    async def _read(self, rows: Documents, filter_: Document, most: int) -> dict[str, Document]:
        read = await rows.find(filter_, limit=most, fields=["name", "words"])
        return {row["_id"]: row for row in read}
