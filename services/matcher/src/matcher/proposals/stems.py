"""Reduces a word of a company's name to the stem that stands for its spellings."""

# Invariant: spellings of one word have one stem, and stems are their own stems: short forms become long ones,
# number words figures, plurals singulars, and transcribed umlauts plain vowels.
#
#   bros, brothers → brother      one → 1      mueller, muller → muller

import re
from functools import lru_cache

from matcher.proposals.words import (
    ABBREVIATIONS,
    BRANCH_WORDS,
    COMMON_WORDS,
    DEPARTMENT_WORDS,
    KINSHIP_WORDS,
    NUMBER_WORDS,
)

_PLURAL = re.compile(r"[a-z]{3,}(?<!s)s")


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Returns the form that stands for a word's spellings, short forms and plural."""
    known = NUMBER_WORDS.get(word) or ABBREVIATIONS.get(word, word)
    if known.isdigit():
        return known.lstrip("0") or "0"
    if _PLURAL.fullmatch(known):
        known = known[:-3] + "y" if known.endswith("ies") else known[:-1]
    for pair, vowel in (("ae", "a"), ("oe", "o"), ("ue", "u")):
        known = known.replace(pair, vowel)
    return known


KNOWN_STEMS = frozenset(
    stem(word) for words in (BRANCH_WORDS, COMMON_WORDS, DEPARTMENT_WORDS, KINSHIP_WORDS) for word in words
)
"""Stems of words that are no slip of another one, however alike the two are."""
