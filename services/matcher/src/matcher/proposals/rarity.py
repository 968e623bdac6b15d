"""How much a word tells: rare ones tell much, those that many firms have in their names little."""

# Invariant: the rarity of a word is between 0 and 1 and falls with the share of names that have it. In short
# lists nearly every word is alone, so the lists' counts are blended with what is usual: two lists of five
# know that "services" is common although each has it once.
#
#   10,000 names, 300 with "plumbing"   → 0.38      one with "contoso" → 0.96
#   2 lists of 5, one with "plumbing"    → 0.53      one with "contoso" → 0.74
#
# Counts are told apart by steps, so that one name more changes the rarity of few words (`account_index.py`).

from collections import Counter
from collections.abc import Iterable
from math import log

from matcher.proposals.words import COMMON_WORDS

_PRIOR_NAMES = 2000
_COMMON_SHARE, _USUAL_SHARE = 0.006, 0.00005
_STEP, _SCALE = 0.125, 10.0
"""The logarithm of the share at which a word is as rare as can be."""


def _stepped(count: float) -> float:
    """Returns the logarithm, to the nearest step: one name more changes the rarity of few words."""
    return round(log(count) / _STEP) * _STEP


class Rarity:
    """The rarity of words in the names of both lists together."""

    def __init__(self, counts: Counter[str], number: int) -> None:
        """`counts` are how many of `number` names have each stem."""
        self._counts, self._known = counts, dict[str, float]()
        self.total = _stepped(number + _PRIOR_NAMES)
        """The logarithm of how many names there are, which is a part of the rarity of each word."""

    def __call__(self, stem: str) -> float:
        """Returns the rarity; for two words that were joined, that of the rarer."""
        known = self._known.get(stem)
        if known is None:
            prior = _PRIOR_NAMES * (_COMMON_SHARE if stem in COMMON_WORDS else _USUAL_SHARE)
            telling = self.total - _stepped(self._counts.get(stem, 0) + prior)
            known = min(1.0, telling / _SCALE)
            self._known[stem] = known
        return known


def rarity_of(names: Iterable[Iterable[str]]) -> Rarity:
    """Returns the rarity in these names, each given by its stems."""
    counts, number = Counter[str](), 0
    for stems in names:
        counts.update(set(stems))
        number += 1
    return Rarity(counts, number)
