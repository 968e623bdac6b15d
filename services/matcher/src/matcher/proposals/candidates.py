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
from typing import Any

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
_STEP = 0.125
"""Logarithms of counts are told apart in steps: one item more changes the weights of few trigrams."""
_SIGNS = "?abcdefghijklmnopqrstuvwxyz0123456789^$"
_WIDTH = len(_SIGNS) ** 3
"""How many trigrams there are. Each has its number in whatever lists, so that sums are made in one order."""


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
class Vectors:
    """The items of both lists as vectors of weighted trigrams, each of length 1."""

    vendor: csr_matrix
    psa: csr_matrix
    psa_columns: csr_matrix
    """The same as `psa`, with an item in each column."""
    weights: Floats
    """Of each trigram; two lists that give it the same weights see the same item as the same vector."""


@dataclass(frozen=True, slots=True)
class Searchable:
    """One side's items as candidates are looked for: the texts to compare, and each item's further keys."""

    texts: Sequence[str]
    keys: Sequence[Sequence[str]]


def find_candidates(vendor: Searchable, psa: Searchable, reach: Reach) -> Candidates:
    """Returns the candidates, ordered by vendor row, then by PSA row."""
    grams = [[trigrams_of(text) for text in side.texts] for side in (vendor, psa)]
    vectors = weigh(*grams)
    by_key = _pairs_of_equal_keys(vendor.keys, psa.keys, reach.shared_by_at_most)
    return search(vectors, np.arange(len(vendor.texts)), by_key, reach)[0]


def search(
    vectors: Vectors, rows: NDArray[np.int64], by_key: NDArray[np.int64], reach: Reach
) -> tuple[Candidates, Floats]:
    """Returns the candidates of some vendor rows, which are sorted, and how near each row's farthest one is.

    `by_key` are the pairs of these rows that share a key. An item that is less near than the farthest one
    by trigrams cannot become a candidate by them.
    """
    near = sp_matmul_topn(
        vectors.vendor[rows], vectors.psa_columns, top_n=reach.nearest, threshold=_LEAST_COSINE, n_threads=2
    ).tocsr()
    farthest = np.full(len(rows), _LEAST_COSINE, np.float32)
    counts = np.diff(near.indptr)
    full = counts >= reach.nearest
    if full.any():
        farthest[full] = np.minimum.reduceat(near.data, near.indptr[:-1][counts > 0])[full[counts > 0]]
    found = np.repeat(rows, counts)
    width = max(vectors.psa.shape[0], 1)
    keyed = by_key[:, 0] * width + by_key[:, 1]
    joint = np.unique(np.concatenate([found * width + near.indices, keyed]))
    vendor, psa = joint // width, joint % width
    cosine = _cosines(vectors, vendor, psa)
    best = np.zeros(vectors.vendor.shape[0], np.float32)
    np.maximum.at(best, vendor, cosine)
    kept = np.isin(joint, keyed) | (cosine >= NEAR_SHARE * best[vendor])
    found_pairs = Candidates(vendor[kept].astype(np.int32), psa[kept].astype(np.int32), cosine[kept])
    return found_pairs, farthest


def _cosines(vectors: Vectors, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
    left, right = vectors.vendor, vectors.psa
    parts = [
        np.asarray(
            left[rows[at : at + 50_000]].multiply(right[columns[at : at + 50_000]]).sum(axis=1)
        ).ravel()
        for at in range(0, len(rows), 50_000)
    ]
    return np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32)


class _TrigramNumbers(dict[str, int]):
    """The number of each trigram of letters, figures and edges; other signs are one sign to it."""

    def __missing__(self, gram: str) -> int:
        number = 0
        for sign in gram:
            number = number * len(_SIGNS) + max(_SIGNS.find(sign), 0)
        self[gram] = number
        return number


_NUMBERS = _TrigramNumbers()


def trigrams_of(text: str) -> Ints:
    """Returns the numbers of a text's trigrams, sorted, each once."""
    compact = text.replace(" ", "")
    padded = f"^{compact}$"
    grams = {padded[at : at + 3] for at in range(len(padded) - 2)} or {padded}
    grams.update([f"^{word[:2]}" for word in text.split()[1:]])
    return np.array(sorted({_NUMBERS[gram] for gram in grams}), np.int32)


def weigh(vendor: Sequence[Ints], psa: Sequence[Ints]) -> Vectors:
    """Returns the vectors of two lists of items, each given by its trigrams."""
    left, right = _matrix(vendor), _matrix(psa)
    shared = np.bincount(left.indices, minlength=_WIDTH) + np.bincount(right.indices, minlength=_WIDTH)
    total = len(vendor) + len(psa)
    weights = (1 + stepped(np.log(1 + total)) - stepped(np.log(1 + shared))).astype(np.float32)
    most = max(_COMMON_SHARE * np.exp(stepped(np.log(1 + total))), _COMMON_LEAST)
    weights[shared > most] = 0
    left, right = _normalised(left, weights), _normalised(right, weights)
    return Vectors(left, right, right.T.tocsr(), weights)


def stepped(logarithm: Any) -> Any:
    """Returns the nearest of the steps in which counts are told apart."""
    return np.round(logarithm / _STEP) * _STEP


def _matrix(items: Sequence[Ints]) -> csr_matrix:
    ends = np.zeros(len(items) + 1, np.int32)
    np.cumsum([len(one) for one in items], out=ends[1:])
    indices = np.concatenate([np.zeros(0, np.int32), *items])
    return csr_matrix((np.ones(len(indices), np.float32), indices, ends), shape=(len(items), _WIDTH))


def _normalised(matrix: csr_matrix, weights: Floats) -> csr_matrix:
    matrix.data = matrix.data * weights[matrix.indices]
    matrix.eliminate_zeros()
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    matrix.data /= np.repeat(np.maximum(lengths, 1e-9), np.diff(matrix.indptr))
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
