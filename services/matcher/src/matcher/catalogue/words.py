"""The words by which items are found: of a name, of a code, and of what a person types."""

# Invariant: a text is found by its beginning, however much of it is typed. Name and search are divided in the
# same way, so that each word of a search is the beginning of a word of the name:
#
#   "O'Brien & Söhne (EMEA)"  → obrien, o, brien, sohne, emea    code "M365-BP" → m365, bp, m365bp, \x01m365bp
#   "emea so"                 → emea, so: found                  "365" → 365: not found, "m3" → m3: found
#
# Case, accents and the order of words do not matter. A character that is no letter and no digit divides
# words. A sign ("+", "$", an emoji) is a word of its own, as is each character of a script that is written
# without spaces. The mark \x01, which no text from outside holds, begins a code as a whole, which is found
# from its beginning on by that.

import re
import unicodedata
from collections.abc import Iterable

CODE_MARK = "\x01"
_LONGEST = 64
"""Characters of a word: what is longer is found by its beginning all the same."""

_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_PARTS = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+|\S")
_APOSTROPHES = re.compile("['\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}]")
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
"""Letters that are written with a stroke, or joined, and that Unicode does not take apart."""


def words_of(text: str) -> list[str]:
    """Returns the words of a text in their order, each once.

    A text of nothing but dots, brackets and the like has these as its words: it can be found by nothing else.
    """
    return list(dict.fromkeys(word[:_LONGEST] for word in _parts_of(text)))


def item_words(name: str, code: str | None) -> list[str]:
    """Returns the words by which an item is found, sorted."""
    words = {*words_of(name), *words_of(_APOSTROPHES.sub("", name))}
    if code:
        words |= {*words_of(code), whole_code(code), whole_code(code).removeprefix(CODE_MARK)}
    return sorted(words)


def whole_code(code: str) -> str:
    """Returns the word that stands for a code as a whole, which begins as the code does."""
    return (CODE_MARK + "".join(_parts_of(code)))[:_LONGEST]


def has_words(words: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether each of the wanted words is the beginning of one of the words."""
    known = tuple(words)
    return all(any(word.startswith(one) for word in known) for one in wanted)


def _parts_of(text: str) -> list[str]:
    plain = plain_text(text)
    parts = _PARTS.findall(plain)
    return (parts if plain.isalnum() else [part for part in parts if _is_word(part)]) or parts


def plain_text(text: str) -> str:
    """Returns the text without accents, invisible characters and differences of case."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(c for c in folded if unicodedata.category(c)[0] != "M" and c.isprintable()).translate(
        _LETTERS
    )


def _is_word(part: str) -> bool:
    return part[0].isalnum() or unicodedata.category(part[0])[0] == "S"
