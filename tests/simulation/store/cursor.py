"""What a find or an aggregate gives out."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from tests.simulation.store.database import Document

Sort = Sequence[tuple[str, int]] | None


class Cursor:
    """Rows that are asked for when they are read."""

    def __init__(self, read: Callable[[Sort], Any]) -> None:
        self._read, self._sort = read, None

    def sort(self, order: Sort) -> "Cursor":
        self._sort = order  # type: ignore[assignment]
        return self

    async def to_list(self, _: None) -> list[Document]:
        rows: list[Document] = await self._read(self._sort)
        return rows

    async def __aiter__(self) -> AsyncIterator[Document]:
        for row in await self._read(self._sort):
            yield row
