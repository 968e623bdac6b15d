"""Reads a text about a service or product: its words in one spelling, its part numbers and its periods."""

# Invariant: two ways to write one product have the same words. Phrases are replaced by what stands for them
# until nothing changes, and what is said of periods is set apart from the words (`periods.py`).
#
#   "Office 365 Business Premium"         → m365 business standard      (renamed in 2020)
#   "M365-BP-1Y-M"                        → m365 business premium · term 1 year · billed monthly
#   "Exch Onl P1 (annual, paid monthly)"  → exchange plan1 · term 1 year · billed monthly

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from anyascii import anyascii

from matcher.proposals.periods import read_periods
from matcher.proposals.product_words import PHRASES, WORDS

PRODUCT_CHARACTERS = 400
"""How much of a text is read: longer ones are prose."""
_ROUNDS = 3
"""How often phrases are replaced at most: an old name, then its short form."""
_TOKEN = re.compile(r"[a-z0-9]+")
_NOT_ALNUM = re.compile(r"[^a-z0-9]")
_SEPARATORS = re.compile(r"[_\[\](){}|,;.]")
_SIZE = re.compile(r"\b(\d+)(?:gb|c|vcpu|cpu)\b")
"""A size with its unit: written apart, and without the unit, it is the same in all texts."""
_PHRASES = {tuple(phrase.split()): form.split() for phrase, form in PHRASES.items()}
_LONGEST = max(map(len, _PHRASES))
_PLAN = re.compile(r"p(?:lan)?([1-5])")
_PART_NUMBER = re.compile(r"\b(cfq7ttc0[a-z0-9]{4})(?:[:\-/_ ]?([a-z0-9]{4})\b)?")
"""A part number of Microsoft's new commerce: product and edition, as in "CFQ7TTC0LCHC:0002"."""


@dataclass(frozen=True, slots=True)
class ProductText:
    """One text about a service or product, read."""

    words: tuple[str, ...]
    term: str = ""
    """How long it is committed to: `1 month`, `1 year`, `3 years`; empty when the text does not say."""
    billing: str = ""
    """How often it is billed, in the same words."""
    part_numbers: frozenset[str] = frozenset()
    """Microsoft part numbers that the text contains, without separators."""
    tokens: tuple[str, ...] = ()
    """The words as they are written."""


@lru_cache(maxsize=100_000)
def read_product(text: str) -> ProductText:
    """Reads a product's name, its description or its Product ID."""
    folded = anyascii(text[:PRODUCT_CHARACTERS]).casefold().replace("&", " and ").replace("+", " plus ")
    numbers = frozenset(
        bare_code("".join(filter(None, found.groups()))) for found in _PART_NUMBER.finditer(folded)
    )
    periods = read_periods(_SEPARATORS.sub(" ", _SIZE.sub(r"\1 ", _PART_NUMBER.sub(" ", folded))))
    tokens = _TOKEN.findall(periods.rest)
    return ProductText(_canonical(tokens), periods.term, periods.billing, numbers, tuple(tokens))


def bare_code(text: str | None) -> str:
    """Returns a part number or code in small letters without separators; empty for none."""
    return _NOT_ALNUM.sub("", text.casefold()) if text else ""


def _canonical(tokens: list[str]) -> tuple[str, ...]:
    words = _replace_phrases(tokens)
    for _ in range(_ROUNDS):
        replaced = _replace_phrases([WORDS.get(word, word) for word in words])
        if replaced == words:
            break
        words = replaced
    return tuple(dict.fromkeys(_with_plans(words)))


def _replace_phrases(tokens: Sequence[str]) -> list[str]:
    words, found, at = [token for token in tokens if token], list[str](), 0
    while at < len(words):
        length, form = _phrase_at(words, at)
        found.extend(form)
        at += length
    return found


def _phrase_at(words: list[str], at: int) -> tuple[int, list[str]]:
    """Returns how many words the longest phrase from here takes, and what stands for it."""
    for length in range(min(_LONGEST, len(words) - at), 0, -1):
        form = _PHRASES.get(tuple(words[at : at + length]))
        if form is not None:
            return length, form
    return 1, [words[at]]


def _with_plans(words: Sequence[str]) -> list[str]:
    """Joins "plan" and its number; "p1" is the same."""
    found = list[str]()
    for word in words:
        if match := _PLAN.fullmatch(word):
            found.append(f"plan{match[1]}")
        elif found and found[-1] == "plan" and word in "12345":
            found[-1] = f"plan{word}"
        else:
            found.append(word)
    return found
