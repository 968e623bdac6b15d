"""The candidate pairs of two lists with what each was found to be, from one update to the next."""

# Invariant: pairs are in the order of their rows, and stay so when rows move, for the rows that are left keep
# their order:
#
#   vendor a c   psa x y   pairs (a, x) (c, x) (c, y)      b comes, x goes   → (c, y), c being row 2 now

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from matcher.proposals.account_features import FEATURES
from matcher.proposals.account_list import Positions
from matcher.proposals.candidates import Floats
from matcher.proposals.model import Matrix, Vector

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ComparedPairs:
    """All candidate pairs in the order of their rows, each with what it was found to be."""

    width: int = 1
    """How many PSA rows there are."""
    joint: Positions = field(default_factory=lambda: np.zeros(0, np.int64))
    """The vendor row × `width` + the PSA row."""
    cosine: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    features: Matrix = field(default_factory=lambda: np.zeros((0, len(FEATURES)), np.float32))
    scores: Vector = field(default_factory=lambda: np.zeros(0))
    shares: Vector = field(default_factory=lambda: np.zeros(0))
    """The probabilities."""

    @property
    def rows(self) -> Positions:
        return self.joint // self.width

    @property
    def columns(self) -> Positions:
        return self.joint % self.width

    def moved(self, vendor: Positions, psa: Positions, width: int) -> "ComparedPairs":
        """Returns the pairs at their present rows, without those of which one is gone."""
        rows, columns = vendor[self.rows], psa[self.columns]
        kept = (rows >= 0) & (columns >= 0)
        joint = rows[kept] * width + columns[kept]
        return ComparedPairs(
            width, joint, self.cosine[kept], self.features[kept], self.scores[kept], self.shares[kept]
        )

    def find(self, joint: Positions) -> tuple[Positions, Flags]:
        """Returns where pairs are, and which are there at all."""
        places = np.minimum(np.searchsorted(self.joint, joint), max(len(self.joint) - 1, 0))
        known = self.joint[places] == joint if len(self.joint) else np.zeros(len(joint), bool)
        return places, known
