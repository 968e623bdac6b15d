"""What the oracle raises."""


class Violation(AssertionError):
    """An invariant does not hold; it is named by its letter."""

    def __init__(self, invariant: str, sentence: str) -> None:
        super().__init__(f"({invariant}) {sentence}")
        self.invariant = invariant
