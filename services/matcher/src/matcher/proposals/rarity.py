"""How much a word tells: rare ones tell much, those that many firms have in their names little."""

# Invariant: the rarity of a word is between 0 and 1 and falls with the share of names that have it. In short
# lists nearly every word is alone, so the lists' counts are blended with what is usual: two lists of five
# know that "services" is common although each has it once.
#
#   10,000 names, 300 with "plumbing"   → 0.38      one with "contoso" → 0.96
#   2 lists of 5, one with "plumbing"    → 0.53      one with "contoso" → 0.74

from collections import Counter
from collections.abc import Iterable
from math import log

from matcher.proposals.words import COMMON_WORDS

_PRIOR_NAMES = 2000
_COMMON_SHARE, _USUAL_SHARE = 0.006, 0.00005
_SCALE = 10.0
"""The logarithm of the share at which a word is as rare as can be."""


class Rarity:
    """The rarity of words in the names of both lists together."""

    def __init__(self, names: Iterable[Iterable[str]]) -> None:
        """`names` are the stems of each name."""
        self._counts = Counter[str]()
        total = 0
        for stems in names:
            self._counts.update(set(stems))
            total += 1
        self._total = total + _PRIOR_NAMES
        self._known = dict[str, float]()

    def __call__(self, stem: str) -> float:
        """Returns the rarity; for two words that were joined, that of the rarer."""
        known = self._known.get(stem)
        if known is None:
            prior = _PRIOR_NAMES * (_COMMON_SHARE if stem in COMMON_WORDS else _USUAL_SHARE)
            known = min(1.0, -log((self._counts.get(stem, 0) + prior) / self._total) / _SCALE)
            self._known[stem] = known
        return known
