"""Brings items that an older build stored into the form by which they are found now."""

# Invariant: in the end every item has the words of its name and code, and its normal name. An item is
# changed only while it has the revision that was read, so that newer news, which brings its own, is never
# undone. A kind of items is noted as done when none of another form is left, so that a later start does not
# look again. Killed anywhere between, the next start goes on with what is left:
#
#   a: form 2   b: form 3   c: no form    →   a, c are derived anew   →   none left: noted, with the number 3

from collections.abc import Sequence

from matcher.catalogue.documents import ITEM_FORM, derived_fields
from matcher.catalogue.items import ItemKind
from matcher.catalogue.search import LONG_AGO
from shared.mongo import Document, Mongo, Put, Session, Update

FORMS = "item_forms"
"""By kind of item: the form that all its items have."""

_AT_ONCE = 5_000
_BATCH = 500


async def all_forms_are_new(mongo: Mongo, session: Session) -> bool:
    """Whether every item that is stored has the present form."""
    notes = await mongo.all_tenants(FORMS).find({"form": {"$gte": ITEM_FORM}}, session=session)
    return len(notes) == len(ItemKind)


class ItemForms:
    """Works through all tenants' items, kind by kind."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def update_next(self) -> bool:
        """Updates some items, or notes that a kind has none left; tells whether there may be more to do."""
        notes = self._mongo.all_tenants(FORMS)
        done = {row["_id"] for row in await notes.find({"form": {"$gte": ITEM_FORM}})}
        kind = next((kind for kind in ItemKind if kind.value not in done), None)
        if kind is None:
            return False
        rows = await self._mongo.all_tenants(kind).find(
            {"form": {"$ne": ITEM_FORM}},
            limit=_AT_ONCE,
            fields=["name", "code", "present", "revision", "first_seen_at"],
        )
        for start in range(0, len(rows), _BATCH):
            await self._update(kind, rows[start : start + _BATCH])
        if not rows:
            await notes.bulk([Put({"_id": kind.value, "form": ITEM_FORM})])
        return True

    async def _update(self, kind: ItemKind, rows: Sequence[Document]) -> None:
        await self._mongo.all_tenants(kind).bulk(
            [
                Update(
                    {"_id": row["_id"], "revision": row["revision"]},
                    {
                        "$set": derived_fields(kind, row["name"], row["code"], present=row["present"])
                        | {"first_seen_at": row.get("first_seen_at", LONG_AGO)},
                        "$unset": {"searched": ""},
                    },
                )
                for row in rows
            ]
        )
