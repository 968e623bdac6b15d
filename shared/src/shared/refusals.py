"""Says which rows of a list could not be understood: the others count, and the run is partial."""

# Invariant: a refused row is never silent; however many there are, and however often the list is read, they
# make one short sentence, and take little memory:
#
#   2 refused accounts, read twice   "accounts that could not be understood: 2 (ingram-micro: customer 17 …)"

from collections.abc import Iterable

_MOST_COUNTED = 10_000


class Refusals:
    """Counts the refused rows of one list, and keeps the first sentence as an example."""

    def __init__(self) -> None:
        self._example = ""
        self._seen: set[int] = set()
        """A hash of each sentence, so that a list that is read once more counts its odd rows once."""

    def note(self, sentences: Iterable[str]) -> None:
        """Notes one sentence for each row that was refused."""
        for sentence in sentences:
            self._example = self._example or sentence
            if len(self._seen) < _MOST_COUNTED:
                self._seen.add(hash(sentence))

    def shortfalls(self, noun: str) -> tuple[str, ...]:
        """Returns the sentence for the report of a step; none when every row was understood."""
        if not self._seen:
            return ()
        count = f"{len(self._seen)}" if len(self._seen) < _MOST_COUNTED else f"{_MOST_COUNTED:,} or more"
        return (f"{noun} that could not be understood: {count} ({self._example})",)
