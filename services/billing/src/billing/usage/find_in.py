"""Looking up by an indexed field when many values are wanted."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from shared.mongo import Document, Documents, Filter

_AT_ONCE = 20
"""A store that compares every row with every value asked for takes the square of what it is asked at once."""


async def find_any(
    rows: Documents, field: str, values: Iterable[str], *, fields: Sequence[str] | None = None
) -> list[Document]:
    """The rows whose field has one of these values."""
    return [row for wanted in _pieces(field, values) for row in await rows.find(wanted, fields=fields)]


async def distinct_any(rows: Documents, name: str, field: str, values: Iterable[str]) -> set[str]:
    """What the rows whose field has one of these values have in another, however many rows there are."""
    return {one for wanted in _pieces(field, values) for one in await rows.distinct(name, wanted)}


def _pieces(field: str, values: Iterable[str]) -> Iterator[Filter]:
    rest = iter(values)
    while some := list(islice(rest, _AT_ONCE)):
        yield {field: {"$in": some}}
