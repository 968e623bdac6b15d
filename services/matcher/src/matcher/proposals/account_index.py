"""Keeps two lists of accounts compared, and compares anew only what a change of some accounts concerns."""

# Invariant: after each update, what is proposed is what `propose_accounts` proposes for the present lists, to
# the per mille. What depends on all accounts goes by steps (the weights of trigrams, the rarity of words), so
# that one account changes few of it; an account with a trigram or a word that did change counts as changed:
#
#   vendor v1 v2 v3   psa p1 p2      p1 is renamed
#   → looked for anew: v2, whose candidate p1 was, and v3, to which it is near now
#   → scored anew: the pairs of p1        → stated anew: also v1, which wants p2 and has no rival any more
#
# Rows are in the order of the ids, as in the full comparison, so that sums are made in the same order.

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from matcher.proposals.account_features import FEATURES, account_features, pair_accounts
from matcher.proposals.account_list import AccountList, ChangedAccount, Changes, Positions
from matcher.proposals.account_reasons import account_reasons
from matcher.proposals.candidates import Candidates, Floats, Vectors, search, weigh
from matcher.proposals.compared_pairs import ComparedPairs, Flags
from matcher.proposals.engine import (
    ACCOUNT_REACH,
    LEAST_PROBABILITY,
    MOST_PROPOSALS,
    Proposal,
    namesakes_of,
    shares_of,
    shown,
)
from matcher.proposals.model import as_matrix, load_model
from matcher.proposals.rarity import Rarity
from shared.contracts.base import Side

_COSINE = FEATURES.index("cosine")
_ROUNDING = 1e-5
"""So much two ways of computing one cosine may differ."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """What an update concerns."""

    sought: Positions
    """The vendor rows whose candidates are looked for anew."""
    vendor: Positions
    """The vendor rows whose pairs are compared anew."""
    psa: Positions
    """The PSA rows whose pairs are."""


class AccountIndex:
    """What is proposed for the accounts of one marketplace, from one change to the next."""

    def __init__(self) -> None:
        self._model = load_model("accounts")
        self._vendor, self._psa = AccountList(Side.VENDOR), AccountList(Side.PSA)
        self._counts, self._rarity = Counter[str](), Rarity(Counter(), 0)
        self._vectors: Vectors | None = None
        self._farthest: Floats = np.zeros(0, np.float32)
        """By vendor row, how near a PSA item must be to be a candidate by its trigrams."""
        self._pairs = ComparedPairs()
        self.proposals = dict[str, list[Proposal]]()
        """By vendor id, with reasons, the likeliest first; those without any are left out."""

    def update(self, vendor: Changes, psa: Changes) -> set[str]:
        """Takes in changed accounts; returns the vendor ids of which something else is proposed now."""
        former_ids = self._vendor.ids, self._psa.ids
        changed = self._vendor.apply(vendor), self._psa.apply(psa)
        if not any(changed):
            return set()
        moved = self._vendor.moved(former_ids[0]), self._psa.moved(former_ids[1])
        self._farthest = _at_rows(self._farthest, moved[0], len(self._vendor.ids))
        bereft = moved[0][self._pairs.rows[moved[1][self._pairs.columns] < 0]]
        former = self._pairs.moved(*moved, max(len(self._psa.ids), 1))
        reworded = self._count_words(changed)
        scope = self._scope(changed, former, bereft, reworded)
        fresh = self._compare(scope, former)
        for id_ in changed[0].keys() - set(self._vendor.ids):
            self.proposals.pop(id_, None)
        return self._restate(scope, former, fresh)

    def _count_words(self, changed: tuple[Mapping[str, ChangedAccount], ...]) -> set[str] | None:
        """Counts the words of what has changed; returns those whose rarity has, None for all."""
        counts, concerned = self._counts.copy(), set[str]()
        for one in (one for of_side in changed for one in of_side.values()):
            for listed, step in ((one.former, -1), (one.present, 1)):
                for stem in listed.stems if listed else ():
                    counts[stem] += step
                    concerned.add(stem)
        for stem in concerned:
            if not counts[stem]:
                del counts[stem]
        former = self._rarity
        self._counts = counts
        self._rarity = Rarity(counts, len(self._vendor.ids) + len(self._psa.ids))
        if former.total != self._rarity.total:
            return None
        return {stem for stem in concerned if former(stem) != self._rarity(stem)}

    def _scope(
        self,
        changed: tuple[Mapping[str, ChangedAccount], Mapping[str, ChangedAccount]],
        former: ComparedPairs,
        bereft: Positions,
        reworded: set[str] | None,
    ) -> _Scope:
        """Returns what must be done anew; `bereft` are vendor rows that have lost a candidate."""
        everything = _Scope(*(np.arange(len(one.ids)) for one in (self._vendor, self._vendor, self._psa)))
        before, self._vectors = self._vectors, weigh(self._vendor.trigrams(), self._psa.trigrams())
        vectors = self._vectors
        vendor, psa = self._vendor.rows_of(changed[0]), self._psa.rows_of(changed[1])
        if before is None or reworded is None:
            return everything
        differs = before.weights != vectors.weights
        if (differs & ((before.weights == 0) | (vectors.weights == 0))).any():
            return everything  # a trigram became common, or is no longer: hundreds have it
        turned = np.union1d(psa, _rows_with(vectors.psa, differs))
        near = (vectors.vendor @ vectors.psa[turned].T).tocoo()
        keys = {key for one in changed[1].values() for state in one.states for key in state.keys}
        sought = [
            vendor,
            bereft[bereft >= 0],
            _rows_with(vectors.vendor, differs),
            former.rows[np.isin(former.columns, turned)],
            near.row[near.data >= self._farthest[near.row] - _ROUNDING],
            *(self._vendor.with_key(key) for key in keys),
        ]
        return _Scope(
            np.unique(np.concatenate(sought)),
            np.union1d(vendor, self._vendor.with_stems(reworded)),
            np.union1d(psa, self._psa.with_stems(reworded)),
        )

    def _compare(self, scope: _Scope, former: ComparedPairs) -> Flags:
        """Finds and scores the pairs as they are now; returns which were compared anew."""
        joint, cosine = self._candidates(scope.sought, former)
        places, known = former.find(joint)
        rows, columns = joint // former.width, joint % former.width
        fresh = ~known | np.isin(rows, scope.vendor) | np.isin(columns, scope.psa)
        features = np.empty((len(joint), len(FEATURES)), np.float32)
        features[~fresh] = former.features[places[~fresh]]
        ends = zip(rows[fresh].tolist(), columns[fresh].tolist(), cosine[fresh].tolist(), strict=True)
        compared = [
            account_features(pair_accounts(self._vendor[row], self._psa[column], near), self._rarity)
            for row, column, near in ends
        ]
        features[fresh] = as_matrix(compared, FEATURES)
        features[:, _COSINE] = cosine
        scores, same = np.empty(len(joint)), ~fresh
        same[same] = former.cosine[places[same]] == cosine[same]
        scores[same] = former.scores[places[same]]
        scores[~same] = self._model.pair(features[~same])
        found = Candidates(rows.astype(np.int32), columns.astype(np.int32), cosine)
        namesakes = namesakes_of(self._vendor.sorted_stems())
        shares = shares_of(found, scores, namesakes, self._model) if len(joint) else np.zeros(0)
        self._pairs = ComparedPairs(former.width, joint, cosine, features, scores, shares)
        return fresh

    def _candidates(self, sought: Positions, former: ComparedPairs) -> tuple[Positions, Floats]:
        """Returns the pairs as they are now, those of some vendor rows looked for anew."""
        if self._vectors is None or not len(self._psa.ids):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        keyed = [
            (row, column)
            for row in sought.tolist()
            for key in self._vendor.keys(row)
            for column in self._psa.few_with_key(key, ACCOUNT_REACH.shared_by_at_most)
        ]
        by_key = np.array(keyed, np.int64).reshape(-1, 2)
        found, self._farthest[sought] = search(self._vectors, sought, by_key, ACCOUNT_REACH)
        stay = ~np.isin(former.rows, sought)
        joint = np.concatenate([former.joint[stay], found.vendor.astype(np.int64) * former.width + found.psa])
        order = np.argsort(joint, kind="stable")
        return joint[order], np.concatenate([former.cosine[stay], found.cosine])[order]

    def _restate(self, scope: _Scope, former: ComparedPairs, fresh: Flags) -> set[str]:
        """States what is proposed where that may have changed; returns the vendor ids where it has."""
        pairs, changed = self._pairs, set[str]()
        places, known = former.find(pairs.joint)
        before = np.full(len(pairs.joint), np.nan)
        before[known] = former.shares[places[known]]
        rows = pairs.rows
        concerned = np.unique(np.concatenate([scope.sought, rows[fresh], rows[pairs.shares != before]]))
        starts, ends = (np.searchsorted(rows, concerned, side=side) for side in ("left", "right"))
        for row, start, end in zip(concerned.tolist(), starts.tolist(), ends.tolist(), strict=True):
            id_ = self._vendor.ids[row]
            stated = self.proposals.pop(id_, [])
            if now := self._proposals(range(start, end), stated, fresh):
                self.proposals[id_] = now
            if shown(stated) != shown(now):
                changed.add(id_)
        return changed

    def _proposals(self, of_row: range, stated: Sequence[Proposal], fresh: Flags) -> list[Proposal]:
        pairs, found = self._pairs, list[Proposal]()
        reasons = {one.psa_id: one.reasons for one in stated}
        for pair in sorted(of_row, key=lambda pair: (-pairs.shares[pair], pair))[:MOST_PROPOSALS]:
            if pairs.shares[pair] < LEAST_PROBABILITY:
                continue
            row, column = divmod(int(pairs.joint[pair]), pairs.width)
            psa_id = self._psa.ids[column]
            if fresh[pair] or psa_id not in reasons:
                compared = pair_accounts(self._vendor[row], self._psa[column], float(pairs.cosine[pair]))
                reasons[psa_id] = tuple(account_reasons(compared, self._rarity))
            found.append(Proposal(psa_id, float(pairs.shares[pair]), reasons[psa_id]))
        return found


def _rows_with(vectors: csr_matrix, trigrams: Flags) -> Positions:
    """Returns the rows that have one of these trigrams."""
    rows = np.repeat(np.arange(vectors.shape[0]), np.diff(vectors.indptr))
    return np.unique(rows[trigrams[vectors.indices]])


def _at_rows(values: Floats, rows: Positions, number: int) -> Floats:
    """Returns the values at their present rows, and 0 at new ones."""
    moved = np.zeros(number, np.float32)
    moved[rows[rows >= 0]] = values[rows >= 0]
    return moved
