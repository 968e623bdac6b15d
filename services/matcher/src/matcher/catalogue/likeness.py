"""How alike two items look by their names and codes, as cheaply as a list of thousands needs it."""

# Invariant: a score says how a list is ranked, and nothing of how likely two items are one: that is what the
# engine computes, whose proposals stand above it. It is made of what the two items say alone, so that it is
# the same on each page:
#
#   "Contoso Dental" and "Contoso Dental Care LLC"   two of two words, 12 of 22 trigrams   → about 740
#   equal names, or equal codes                      → 1000

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from matcher.catalogue.words import CODE_MARK, words_of

_ALIKE = 1_000
_WORDS_SHARE = 0.4
"""Of the score; the rest is of the trigrams, which forgive slips."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Where an item stands in a list that is ranked by likeness to another."""

    score_per_mille: int
    is_proposed: bool = False
    """Whether the score is the probability of what matcher proposes."""

    @property
    def rank(self) -> str:
        """A text that sorts what is proposed first, then the likest."""
        return f"{int(not self.is_proposed)}{_ALIKE - self.score_per_mille:04d}"


@dataclass(frozen=True, slots=True)
class NameShape:
    """A name as it is compared with others."""

    words: frozenset[str]
    trigrams: Counter[str]
    code: str | None

    @classmethod
    def of(cls, name: str, words: Collection[str]) -> Self:
        """Takes the words by which the item is found, for the code that is one of them."""
        plain = words_of(name)
        text = f"  {' '.join(plain)} "
        trigrams = Counter(text[at : at + 3] for at in range(len(text) - 2))
        code = next((word for word in words if word.startswith(CODE_MARK)), None)
        return cls(frozenset(plain), trigrams, code)

    def likeness(self, other: Self) -> Likeness:
        if self.words == other.words or (self.code and self.code == other.code):
            return Likeness(_ALIKE)
        common = (self.trigrams & other.trigrams).total()
        trigrams = 2 * common / (self.trigrams.total() + other.trigrams.total())
        fewer = min(len(self.words), len(other.words)) or 1
        words = len(self.words & other.words) / fewer
        share = _WORDS_SHARE * words + (1 - _WORDS_SHARE) * trigrams
        return Likeness(min(int(share * _ALIKE), _ALIKE - 1))
