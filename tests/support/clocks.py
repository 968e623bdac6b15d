"""Clocks that a test moves."""


class MonotonicClock:
    """Stands still until its seconds are moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds
