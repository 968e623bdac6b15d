"""The weights by which features become a probability; they are fitted by `python -m trainer` and shipped."""

# Invariant: both steps are weighted sums, so that each proposal can be explained by its largest terms. A
# pair's score is what speaks for it alone; its share sets that against all other candidates of the vendor
# item, and against that it is none of them (score 0); the counter-share does the same among all vendor
# items that may be the PSA item. The probability weighs the two:
#
#   score 6, runner-up 5   → share 0.73        score 6, runner-up 0 → share 0.997
#   … and another vendor item has 9 for the same PSA item → counter-share 0.05, and the probability is small

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from matcher.proposals.candidates import Candidates

Matrix = NDArray[np.float32]
Vector = NDArray[np.float64]

RANK_FEATURES = ("share", "counter_share", "smaller_share")
"""What the second step weighs: the logarithm of the odds of both shares, and the smaller of the two."""
_SUREST = 12.0
"""Odds beyond it (as a logarithm) make nothing surer."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A weighted sum over named features."""

    names: tuple[str, ...]
    intercept: float
    values: Vector

    def __call__(self, rows: NDArray[np.floating]) -> Vector:
        # Not a product of matrices: its last digits differ with the place of a row among the others.
        return np.asarray((rows * self.values).sum(axis=1) + self.intercept, np.float64)


@dataclass(frozen=True, slots=True)
class Model:
    """The two steps for one kind of item."""

    pair: Weights
    rank: Weights


@cache
def load_model(kind: str) -> Model:
    """Returns the shipped model of `accounts` or `services`."""
    stored = json.loads(files("matcher.proposals").joinpath(f"weights_{kind}.json").read_text())
    steps = {
        step: Weights(tuple(said["weights"]), said["intercept"], np.array(list(said["weights"].values())))
        for step, said in stored.items()
    }
    return Model(steps["pair"], steps["rank"])


def rank_rows(candidates: Candidates, scores: Vector, namesakes: Sequence[int]) -> NDArray[np.float64]:
    """Returns the inputs of the second step for each pair, in the order of `RANK_FEATURES`.

    `namesakes` has one number for each vendor row, equal for rows of one name: these are no rivals for a PSA
    item, for one customer may have two accounts.
    """
    share = _log_odds(candidates.vendor, scores)
    counter_share = _log_odds(candidates.psa, scores, np.asarray(namesakes)[candidates.vendor])
    return np.column_stack([share, counter_share, np.minimum(share, counter_share)])


def _log_odds(
    groups: NDArray[np.integer], scores: Vector, allied: NDArray[np.integer] | None = None
) -> Vector:
    """Returns the logarithm of the odds that a pair is the one of its group, rather than another or none.

    Pairs of a group with the same number in `allied` do not compete.
    """
    powers = np.exp(np.clip(scores, -40, 40))
    total = np.bincount(groups, powers, minlength=int(groups.max(initial=-1)) + 1)[groups]
    if allied is None:
        own = powers
    else:
        joint = groups.astype(np.int64) * (int(allied.max(initial=0)) + 1) + allied
        parties = np.unique(joint, return_inverse=True)[1].reshape(-1)
        own = np.bincount(parties, powers)[parties]
    odds = np.log(powers) - np.log1p(np.maximum(total - own, 0))
    return np.asarray(np.clip(odds, -_SUREST, _SUREST), np.float64)


def probabilities(weighted: Vector) -> Vector:
    """Returns the logistic function of a weighted sum."""
    return np.asarray(1 / (1 + np.exp(-np.clip(weighted, -30, 30))), np.float64)


def as_matrix(rows: Sequence[dict[str, float]], names: Sequence[str]) -> Matrix:
    """Returns features by name as one row each, in the order of `names`."""
    at = {name: column for column, name in enumerate(names)}
    matrix = np.zeros((len(rows), len(names)), np.float32)
    for number, row in enumerate(rows):
        for name, value in row.items():
            matrix[number, at[name]] = value
    return matrix
