"""Finds the few PSA items that may be meant by each vendor item, without comparing all with all."""

# Invariant: whoever shares a distinctive part of the name, or a key that few others have, is a candidate.
# Names are compared by the trigrams of their letters, weighted by how rare each is (TF-IDF); the nearest by
# cosine are kept. What trigrams cannot see (initials, a domain, a tax id) is found by equal keys:
#
#   "Intl Business Machines" ~ "International Business Machines"   by trigrams
#   "IBM"                    ~ "International Business Machines"   by the key of its initials

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sparse_dot_topn import sp_matmul_topn

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

NEAR_SHARE = 0.5
"""A candidate that is so much less alike than the best one is not worth a comparison."""
_LEAST_COSINE = 0.25
_COMMON_SHARE = 0.04
"""A trigram in a larger share of the names tells little and costs most of the multiplication; with fewer
names than `_COMMON_LEAST` none is left out."""
_COMMON_LEAST = 400


@dataclass(frozen=True, slots=True)
class Reach:
    """How far candidates are looked for: each one costs a comparison, and a true one must be among them."""

    nearest: int
    """How many by trigrams, for each vendor item."""
    shared_by_at_most: int
    """A key that more PSA items have (a public mail host, a group's tax id) does not tell them apart."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs to compare: for each, the row of the vendor item, of the PSA item, and the trigrams' cosine."""

    vendor: Ints
    psa: Ints
    cosine: Floats

    def at(self, index: int) -> tuple[int, int, float]:
        """Returns one pair: its vendor row, its PSA row, and the cosine."""
        return int(self.vendor[index]), int(self.psa[index]), float(self.cosine[index])


@dataclass(frozen=True, slots=True)
class Searchable:
    """One side's items as candidates are looked for: the texts to compare, and each item's further keys."""

    texts: Sequence[str]
    keys: Sequence[Sequence[str]]


def find_candidates(vendor: Searchable, psa: Searchable, reach: Reach) -> Candidates:
    """Returns the candidates, ordered by vendor row, then by PSA row."""
    left, right = _weighted_trigrams(vendor.texts, psa.texts)
    near = sp_matmul_topn(
        left, right.T.tocsr(), top_n=reach.nearest, threshold=_LEAST_COSINE, n_threads=2
    ).tocoo()
    by_key = _pairs_of_equal_keys(vendor.keys, psa.keys, reach.shared_by_at_most)
    rows = np.concatenate([near.row.astype(np.int64), by_key[:, 0]])
    columns = np.concatenate([near.col.astype(np.int64), by_key[:, 1]])
    width = max(len(psa.texts), 1)
    joint = np.unique(rows * width + columns)
    rows, columns = joint // width, joint % width
    cosine = _cosines(left, right, rows, columns)
    best = np.zeros(len(vendor.texts), np.float32)
    np.maximum.at(best, rows, cosine)
    has_key = np.isin(joint, by_key[:, 0] * width + by_key[:, 1])
    kept = has_key | (cosine >= NEAR_SHARE * best[rows])
    return Candidates(rows[kept].astype(np.int32), columns[kept].astype(np.int32), cosine[kept])


def _cosines(
    left: csr_matrix, right: csr_matrix, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> Floats:
    parts = [
        np.asarray(
            left[rows[at : at + 50_000]].multiply(right[columns[at : at + 50_000]]).sum(axis=1)
        ).ravel()
        for at in range(0, len(rows), 50_000)
    ]
    return np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32)


def _trigrams(text: str) -> list[str]:
    compact = text.replace(" ", "")
    padded = f"^{compact}$"
    grams = [padded[at : at + 3] for at in range(len(padded) - 2)] or [padded]
    starts = [f"^{word[:2]}" for word in text.split()[1:]]
    return grams + starts


def _weighted_trigrams(vendor: Sequence[str], psa: Sequence[str]) -> tuple[csr_matrix, csr_matrix]:
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    counted = [_counts(texts, numbers) for texts in (vendor, psa)]
    width = max(len(numbers), 1)
    left, right = (
        csr_matrix(parts, shape=(len(texts), width), dtype=np.float32)
        for parts, texts in zip(counted, (vendor, psa), strict=True)
    )
    shared = np.bincount(left.indices, minlength=width) + np.bincount(right.indices, minlength=width)
    total = len(vendor) + len(psa)
    weights = (1 + np.log((1 + total) / (1 + shared))).astype(np.float32)
    common = shared > max(_COMMON_SHARE * total, _COMMON_LEAST)
    weights[common] = 0
    return _normalised(left, weights), _normalised(right, weights)


def _counts(texts: Sequence[str], numbers: dict[str, int]) -> tuple[Floats, Ints, Ints]:
    indices, ends = list[int](), [0]
    for text in texts:
        indices.extend({numbers[gram] for gram in _trigrams(text)})
        ends.append(len(indices))
    return np.ones(len(indices), np.float32), np.array(indices, np.int32), np.array(ends, np.int32)


def _normalised(matrix: csr_matrix, weights: Floats) -> csr_matrix:
    matrix.data = matrix.data * weights[matrix.indices]
    matrix.eliminate_zeros()
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    matrix.data /= np.repeat(np.maximum(lengths, 1e-9), np.diff(matrix.indptr))
    matrix.sort_indices()
    return matrix


def _pairs_of_equal_keys(
    vendor: Sequence[Sequence[str]], psa: Sequence[Sequence[str]], shared_by_at_most: int
) -> NDArray[np.int64]:
    holders: dict[str, list[int]] = defaultdict(list)
    for row, keys in enumerate(psa):
        for key in keys:
            holders[key].append(row)
    pairs = [
        (row, other)
        for row, keys in enumerate(vendor)
        for key in keys
        if len(holders.get(key, ())) <= shared_by_at_most
        for other in holders.get(key, ())
    ]
    return np.array(pairs, np.int64).reshape(-1, 2)
