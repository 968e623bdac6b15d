"""Names the rows of a list that could not be understood, each once, however often the list is read; pure."""

from collections.abc import Iterable

from vendor_sync.marketplace import RefusedRow

_MOST_NAMED = 200
_MOST_COUNTED = 10_000
_CHARACTERS = 400


class RefusedRows:
    """Collects the refused rows of one list; many take little memory."""

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._named: dict[str, None] = {}
        self._seen: set[int] = set()

    def note(self, rows: Iterable[RefusedRow]) -> None:
        for row in rows:
            if len(self._seen) < _MOST_COUNTED:
                self._seen.add(hash(row))
            if len(self._named) < _MOST_NAMED:
                self._named.setdefault(self._sentence(row)[:_CHARACTERS])

    @property
    def exceptions(self) -> tuple[str, ...]:
        """A sentence for each row, and one that counts those beyond the first."""
        others = len(self._seen) - len(self._named)
        return (*self._named, *([f"and {others:,} more rows of {self._noun}s"] if others > 0 else ()))

    def _sentence(self, row: RefusedRow) -> str:
        account = f"account {row.account_id}: " if row.account_id else ""
        return f"{account}a row could not be understood: {row.reason}"
