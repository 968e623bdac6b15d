"""Rows by many values of one field."""

from collections.abc import Collection, Sequence

from shared.mongo import Document, Documents, Filter, Session

# SecantusDB compares every row found with every value asked for: a hundred at a time keeps that small.
_VALUES_AT_ONCE = 100


async def among(
    rows: Documents,
    field: str,
    values: Collection[str],
    *,
    besides: Filter | None = None,
    fields: Sequence[str] | None = None,
    session: Session | None = None,
) -> list[Document]:
    """Those whose `field` is one of the values; asks nothing for no values."""
    listed = sorted(values)
    found: list[Document] = []
    for start in range(0, len(listed), _VALUES_AT_ONCE):
        of = {**(besides or {}), field: {"$in": listed[start : start + _VALUES_AT_ONCE]}}
        found += await rows.find(of, fields=fields, session=session)
    return found
