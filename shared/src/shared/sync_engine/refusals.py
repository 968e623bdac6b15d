"""Says which rows of a list could not be understood: the others count, and the run is partial."""

# Invariant: a refused row is never silent, and however many there are, they make one short sentence:
#
#   2 refused accounts   "accounts that could not be understood: 2 (ingram-micro: customer 17 …)"

from collections.abc import Iterable


class Refusals:
    """Counts the refused rows of one list, and keeps the first sentence as an example."""

    def __init__(self, noun: str) -> None:
        self._noun, self._count, self._example = noun, 0, ""

    def note(self, sentences: Iterable[str]) -> None:
        """Notes one sentence for each row that was refused."""
        for sentence in sentences:
            self._example = self._example or sentence
            self._count += 1

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """The sentence for the report of the step; none when every row was understood."""
        if not self._count:
            return ()
        return (f"{self._noun} that could not be understood: {self._count} ({self._example})",)
