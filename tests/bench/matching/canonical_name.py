"""Reads a name as a patient person would, to judge whether a made-up case can be resolved at all.

Invariant: what most people take for the same spelling reads the same, and words are never invented.  The
judge reads more generously than an engine may map: it only guards the sets against cases in which the
truth is not in the data.

Example: `The MÜLLER & Söhne Intl. GmbH` and `Mueller und Soehne International` both read
`("muler", "sohne", "international")`; the doubled letter goes, so that a doubled key is no other word.
"""

import re
import unicodedata
from functools import cache

from tests.bench.matching.words import abbreviations, countries, scripts

_CYRILLIC = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        [
            "a",
            "b",
            "v",
            "g",
            "d",
            "e",
            "e",
            "zh",
            "z",
            "i",
            "y",
            "k",
            "l",
            "m",
            "n",
            "o",
            "p",
            "r",
            "s",
            "t",
            "u",
            "f",
            "kh",
            "ts",
            "ch",
            "sh",
            "shch",
            "-",
            "y",
            "-",
            "e",
            "yu",
            "ya",
        ],
        strict=True,
    )
)
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        [
            "a",
            "v",
            "g",
            "d",
            "e",
            "z",
            "i",
            "th",
            "i",
            "k",
            "l",
            "m",
            "n",
            "x",
            "o",
            "p",
            "r",
            "s",
            "s",
            "t",
            "i",
            "f",
            "ch",
            "ps",
            "o",
        ],
        strict=True,
    )
)
LOOK_ALIKES = dict(zip("асеорхуіАВЕКМНОРСТХ", "aceopxyiABEKMHOPCTX", strict=True))
"""Cyrillic letters that look like Latin ones."""

_NOISE = frozenset(["the", "and", "und", "et", "en", "og", "och", "y", "e", "fa", "firma", "dr"])
_NUMBERS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "first": "1st", "second": "2nd", "third": "3rd", "ii": "2", "iii": "3",
    "iv": "4",
    "ein": "1", "zwei": "2", "drei": "3", "deux": "2", "trois": "3", "twee": "2", "drie": "3",
}  # fmt: skip
_SINGLE = str.maketrans("øæœłđı’", "oaoldi'", "") | {ord("ß"): "ss"}


@cache
def read_words(name: str) -> tuple[str, ...]:
    """Return the words of a name without case, accents, legal form, filling words and abbreviations."""
    text = "".join(_letters(word) for word in re.split(r"(\s+)", unicodedata.normalize("NFKC", name)))
    text = re.sub(r"(?<=\w)'(?=\w)|(?<=\b\w)\.(?=\w)", "", text)
    words = [word for word in re.findall(r"\w+", text) if word not in _NOISE]
    kept = _without_forms(words) or words
    return tuple(_reduced(word) for word in kept)


def squashed(name: str) -> str:
    """Return the words of a name written as one, as a domain has them."""
    return "".join(read_words(name))


def initials(name: str) -> str:
    return "".join(word[0] for word in read_words(name))


def _letters(word: str) -> str:
    if any("a" <= letter <= "z" for letter in word.casefold()):
        word = "".join(LOOK_ALIKES.get(letter, letter) for letter in word)
    lowered = "".join(sign for sign in word.casefold() if unicodedata.category(sign) not in ("Cf", "Cc"))
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(sign))
    plain = (_CYRILLIC.get(sign) or _GREEK.get(sign) or sign for sign in bare.translate(_SINGLE))
    return "".join(plain) or (" " if word else "")


def _without_forms(words: list[str]) -> list[str]:
    kept: list[str] = []
    at = 0
    while at < len(words):
        length = next((n for n in (5, 4, 3, 2, 1) if " ".join(words[at : at + n]) in _forms()), 0)
        if not length:
            kept.append(words[at])
        at += length or 1
    return kept


@cache
def _forms() -> frozenset[str]:
    variants = [text for country in countries().values() for form in country["forms"] for text in form]
    variants += [text for script in scripts().values() for text in (*script["forms"], *script["latin_forms"])]
    spelled = {" ".join(re.findall(r"\w+", _letters_of_form(text))) for text in variants}
    return frozenset(spelled | {"co", "kg", "ltd", "bv", "sa"}) - {""}


def _letters_of_form(text: str) -> str:
    return re.sub(r"(?<=\b\w)\.(?=\w)", "", "".join(_letters(word) for word in re.split(r"(\s+)", text)))


@cache
def _reduced(word: str) -> str:
    """Return a word with its number as figures, its abbreviation written out, umlauts and plural alike."""
    word = _NUMBERS.get(word, _written_out().get(word, word))
    for pair, letter in (("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a")):
        word = word.replace(pair, letter)
    word = re.sub(r"([a-z])\1", r"\1", word)
    return word[:-1] if len(word) > 4 and word.endswith("s") else word


@cache
def _written_out() -> dict[str, str]:
    found: dict[str, str] = {}
    for full, shorts in abbreviations().items():
        for short in shorts:
            key = re.sub(r"\W", "", short.casefold())
            found.setdefault(key, full.casefold())
    return found
