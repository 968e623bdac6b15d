"""Reads the short codes that people make of a vendor, a product and a term, as in "SOP-PHT-1Y-A"."""

# Invariant: a piece of a code is read only as what the marketplace sells: a vendor's name in short at its
# beginning, a term at its end, and between them the beginnings of words that stand side by side. What fits
# nothing stays as it is, so that a code which was not made so is compared as before:
#
#   "SOPIXA1YA", of a marketplace that sells Sophos → vendor sophos, "ixa", for 1 year
#   "ixa" beside "intercept x advanced"             → the beginnings of its three words
#   "ccall" beside "cc allapps"                     → the beginnings of its two words
#   "M365-BP"                                       → as it is: "m365" begins no vendor's name

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from matcher.proposals.product_words import WORDS

_JOINED = re.compile(r"(?P<rest>[a-z][a-z0-9]+?)(?P<term>[13][my])(?P<billing>[amy]?)")
"""A code without separators that ends in its term and billing period."""
_BILLING = {"a": "1y", "y": "1y", "m": "1m"}
_LEAST_VENDOR, _MOST_VENDOR = 2, 5
"""Letters of a vendor's name in short."""
_LEAST_REST = 2
"""Letters that are left for the product, where a vendor is cut off."""
_LEAST_INITIALS, _MOST_INITIALS = 2, 5
_LONGEST_BEGINNING = 4
"""Letters of one word that stand for it, beside those of the next."""


@dataclass(frozen=True, slots=True)
class ShortCode:
    """What the pieces of a code say."""

    words: tuple[str, ...]
    """Without the vendor and the term."""
    pieces: tuple[str, ...] = ()
    """Without the term alone: what looks like a vendor may be the beginning of a word."""
    vendors: frozenset[str] = frozenset()
    """The words of the vendors' names that stand in it in short."""
    term: str = ""
    """As it is written, `1y`; empty when it is not at the end of a piece."""
    billing: str = ""
    """In the same form."""


class VendorNames:
    """Knows the vendors of a marketplace by the short forms of their names."""

    def __init__(self, names: Iterable[Sequence[str]] = ()) -> None:
        """`names` are the words of each vendor's name."""
        self._names = sorted({tuple(name) for name in names if name})
        self._known = dict[str, tuple[str, ...]]()

    def cut_off(self, piece: str, *, alone: bool) -> tuple[tuple[str, ...], str]:
        """Returns the words of the vendor's name that a piece begins with, and what is left of it.

        A piece of several may name the vendor and nothing else; one that is `alone` names a product too.
        """
        if not alone and (vendor := self._named_by(piece)):
            return vendor, ""
        for length in range(min(_MOST_VENDOR, len(piece) - _LEAST_REST), _LEAST_VENDOR - 1, -1):
            if vendor := self._named_by(piece[:length]):
                return vendor, piece[length:]
        return (), piece

    def _named_by(self, short: str) -> tuple[str, ...]:
        """Returns the words of the name that this is short for; none for none, or for several."""
        known = self._known.get(short)
        if known is None:
            known = self._known[short] = self._look_up(short)
        return known

    def _look_up(self, short: str) -> tuple[str, ...]:
        if whole := [name for name in self._names if name[0] == short]:
            return whole[0]
        if len(short) < _LEAST_VENDOR or short in WORDS:  # "pro" is professional before it is Proofpoint
            return ()
        found = [name for name in self._names if _is_short_for(short, name)]
        return found[0] if len(found) == 1 else ()


def read_code(code: Sequence[str], names: VendorNames) -> ShortCode:
    """Reads the words of a code; a vendor stands at its beginning only."""
    joined = [_JOINED.fullmatch(piece) for piece in code]
    pieces = tuple(found["rest"] if found else piece for found, piece in zip(joined, code, strict=True))
    vendor, rest = names.cut_off(pieces[0], alone=len(pieces) == 1) if pieces else ((), "")
    words = (rest, *pieces[1:]) if rest else pieces[1:]
    period = next(filter(None, joined), None)
    return ShortCode(
        words or pieces,
        pieces,
        frozenset(vendor),
        term=period["term"] if period else "",
        billing=_BILLING.get(period["billing"], "") if period else "",
    )


def initials_of_runs(words: Sequence[str], least: int = _LEAST_INITIALS) -> dict[str, tuple[str, ...]]:
    """Returns the initials of `least` to five words side by side, each with its words: "ix", "xa", "ixa"."""
    return {
        "".join([word[0] for word in words[start:end]]): tuple(words[start:end])
        for start in range(len(words))
        for end in range(start + least, min(len(words), start + _MOST_INITIALS) + 1)
    }


def beginnings_of_pairs(words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Returns what the beginnings of two words side by side come to, with the two: "pht", "phishthre"."""
    return {
        one[:length] + other[:rest]: (one, other)
        for one, other in pairwise(words)
        for length in _beginnings(one)
        for rest in _beginnings(other)
    }


def _beginnings(word: str) -> set[int]:
    """Returns how many letters may stand for a word."""
    return {*range(1, min(len(word), _LONGEST_BEGINNING) + 1), len(word)}


def _is_short_for(short: str, name: Sequence[str]) -> bool:
    if len(short) > _MOST_VENDOR:
        return False
    if len(name) > 1 and short == "".join(word[0] for word in name):
        return True
    rest = iter(name[0])
    return short != name[0] and short[0] == name[0][0] and all(sign in rest for sign in short)
