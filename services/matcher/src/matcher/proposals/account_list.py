"""Keeps one side's accounts in the order of their ids, with what is derived of each of them alone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matcher.proposals.accounts import Account, keys_of, read_account
from matcher.proposals.candidates import Ints, trigrams_of
from matcher.proposals.names import parse
from matcher.proposals.records import AccountRecord
from shared.contracts.base import Side

Positions = NDArray[np.int64]
Changes = Mapping[str, AccountRecord | None]
"""Accounts by id as they are now; None for one that is gone."""


@dataclass(frozen=True, slots=True)
class IndexedAccount:
    """One account with all that is derived from it alone."""

    account: Account
    keys: Sequence[str]
    trigrams: Ints
    stems: frozenset[str]
    """Of its name, which are counted."""
    all_stems: frozenset[str]
    """Of its other names too, which are compared."""


@dataclass(frozen=True, slots=True)
class ChangedAccount:
    """What an account was and is; None while it was not, or is not any more."""

    former: IndexedAccount | None
    present: IndexedAccount | None

    @property
    def states(self) -> list[IndexedAccount]:
        return [one for one in (self.former, self.present) if one]


class AccountList:
    """The accounts of one side, by id, by key and by word; an account's row is its place among all ids."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._listed = dict[str, IndexedAccount]()
        self.ids = list[str]()
        self._rows = dict[str, int]()
        self._by_key: defaultdict[str, set[str]] = defaultdict(set)
        self._by_stem: defaultdict[str, set[str]] = defaultdict(set)

    def apply(self, changes: Changes) -> dict[str, ChangedAccount]:
        """Takes in changes; returns what differs, by id."""
        changed = dict[str, ChangedAccount]()
        for id_, record in changes.items():
            former = self._listed.get(id_)
            if record == (former.account.record if former else None):
                continue
            if former:
                del self._listed[id_]
                _remove(self._by_key, former.keys, id_)
                _remove(self._by_stem, former.all_stems, id_)
            changed[id_] = ChangedAccount(former, self._add(id_, record) if record else None)
        if any(one.former is None or one.present is None for one in changed.values()):
            self.ids = sorted(self._listed)
            self._rows = {id_: row for row, id_ in enumerate(self.ids)}
        return changed

    def _add(self, id_: str, record: AccountRecord) -> IndexedAccount:
        account = read_account(record)
        stems = frozenset(account.name.stems)
        others = [parse(alias).stems for alias in account.name.aliases]
        keys, trigrams = keys_of(account, self._side), trigrams_of(account.text)
        listed = IndexedAccount(account, keys, trigrams, stems, stems.union(*others))
        self._listed[id_] = listed
        for key in keys:
            self._by_key[key].add(id_)
        for stem in listed.all_stems:
            self._by_stem[stem].add(id_)
        return listed

    def __getitem__(self, row: int) -> Account:
        return self._listed[self.ids[row]].account

    def trigrams(self) -> list[Ints]:
        """Returns the trigrams of each row."""
        return [self._listed[id_].trigrams for id_ in self.ids]

    def sorted_stems(self) -> list[str]:
        """Returns the name of each row as namesakes share it."""
        return [self._listed[id_].account.name.sorted_stems for id_ in self.ids]

    def keys(self, row: int) -> Sequence[str]:
        return self._listed[self.ids[row]].keys

    def with_key(self, key: str) -> Positions:
        """Returns the rows that have a key, in order."""
        return self.rows_of(self._by_key.get(key, ()))

    def few_with_key(self, key: str, most: int) -> list[int]:
        """Returns the rows that have a key; none when more than `most` have it."""
        ids = self._by_key.get(key, ())
        return [self._rows[id_] for id_ in ids] if len(ids) <= most else []

    def with_stems(self, stems: Iterable[str]) -> Positions:
        return self.rows_of(id_ for stem in stems for id_ in self._by_stem.get(stem, ()))

    def rows_of(self, ids: Iterable[str]) -> Positions:
        """Returns the rows of those ids that there are, in order."""
        return np.array(sorted({self._rows[id_] for id_ in ids if id_ in self._rows}), np.int64)

    def moved(self, former_ids: Sequence[str]) -> Positions:
        """Returns the present row of each former one; -1 of what is gone."""
        return np.fromiter((self._rows.get(id_, -1) for id_ in former_ids), np.int64, len(former_ids))


def _remove(index: defaultdict[str, set[str]], words: Iterable[str], id_: str) -> None:
    for word in set(words):
        index[word].discard(id_)
        if not index[word]:
            del index[word]
