"""Changes of words: legal forms, abbreviations, numbers, order, words joined, split, dropped or repeated."""

import re
from random import Random
from typing import Any

from tests.bench.matching.models import Business
from tests.bench.matching.name_patterns import AND
from tests.bench.matching.words import abbreviations, countries, words_of

_NUMBERS = (
    ("One", "1", "I"),
    ("Two", "2", "II"),
    ("Three", "3", "III"),
    ("Four", "4", "IV"),
    ("Five", "5", "V"),
    ("Seven", "7", "VII"),
    ("First", "1st"),
    ("Second", "2nd"),
    ("Third", "3rd"),
    ("Twenty-One", "21", "XXI"),
)

_ENDS = (
    "technik", "techniek", "beratung", "betrieb", "bedrijf", "office", "haus", "studio", "byrå", "bau",
    "stone", "gate", "wood", "bird", "star", "land",
)  # fmt: skip
"""Second halves of compounds."""


def rewrite_form(name: str, business: Business, random: Random) -> str | None:
    """Write the legal form in another of its spellings: Ltd, Ltd., Limited."""
    for forms in _facts(business)["forms"]:
        if business.form in forms and len(forms) > 1 and business.form in name:
            other = random.choice([text for text in forms if text != business.form])
            return _replace_end(name, business.form, other)
    return None


def drop_form(name: str, business: Business, _: Random) -> str | None:
    return _replace_end(name, business.form, "").rstrip(" ,") if business.form else None


def add_form(name: str, business: Business, random: Random) -> str | None:
    if business.form:
        return None
    forms = random.choice(_facts(business)["forms"][:2])
    form: str = random.choice(forms)
    return name + random.choice((" ", ", ")) + form


def change_form(name: str, business: Business, random: Random) -> str | None:
    """Give the wrong form of the right country, as people who do not know."""
    others = [forms[0] for forms in _facts(business)["forms"] if business.form not in forms]
    return _replace_end(name, business.form, random.choice(others)) if business.form and others else None


def translate_form(name: str, business: Business, random: Random) -> str | None:
    """Give the form of another country: GmbH as Ltd or Inc."""
    others = [text for text in ("Ltd", "Inc", "LLC", "GmbH", "BV", "SA") if text not in business.form]
    return _replace_end(name, business.form, random.choice(others)) if business.form else None


def move_form(name: str, business: Business, _: Random) -> str | None:
    """Put the form in front, as registers of some countries do."""
    return f"{business.form} {business.core}" if business.form and name == business.name else None


def rewrite_and(name: str, business: Business, random: Random) -> str | None:
    word = AND[_facts(business)["language"]]
    spellings = (" & ", f" {word} ", " + ", "&", " and ")
    for found in (" & ", f" {word} ", " + "):
        if found in name:
            return name.replace(found, random.choice([text for text in spellings if text != found]), 1)
    return None


def change_article(name: str, business: Business, random: Random) -> str | None:
    if name.casefold().startswith("the "):
        return random.choice((name[4:], f"{name[4:]}, The"))
    return f"The {name}" if _facts(business)["language"] == "en" and business.trade else None


def change_plural(name: str, business: Business, random: Random) -> str | None:
    """Add or drop the s of a plural or a possessive, with its apostrophe or without."""
    if "'s" in name:
        return random.choice((name.replace("'s", "s"), name.replace("'s", ""), name.replace("'s", "s'")))
    words = name.split()
    places = [
        at for at, word in enumerate(words) if len(word) > 5 and word.isalpha() and word in business.core
    ]
    if not places or _facts(business)["language"] != "en":
        return None
    at = random.choice(places)
    words[at] = words[at][:-1] if words[at].endswith("s") else words[at] + random.choice(("s", "'s"))
    return " ".join(words)


def abbreviate(name: str, _: Business, random: Random) -> str | None:
    found = [full for full in abbreviations() if re.search(rf"\b{re.escape(full)}\b", name)]
    for full in found[:2]:
        name = re.sub(rf"\b{re.escape(full)}\b", random.choice(abbreviations()[full]), name)
    return name if found else None


def rewrite_number(name: str, _: Business, random: Random) -> str | None:
    for row in _NUMBERS:
        for text in row[:2]:
            if re.search(rf"\b{text}\b", name):
                other = random.choice([spelling for spelling in row if spelling != text])
                return re.sub(rf"\b{text}\b", other, name, count=1)
    return None


def change_order(name: str, business: Business, random: Random) -> str | None:
    """Put the last word of the name proper first, with a comma or without: Plumbing, Smith."""
    words = business.core.split()
    if len(words) < 2 or business.core not in name or not words[-1][0].isalnum():
        return None
    rest = " ".join(words[:-1]).rstrip(" &,-")
    moved = random.choice(
        (f"{words[-1]} {rest}", f"{words[-1]}, {rest}", f"{' '.join(words[1:])}, {words[0]}")
    )
    return name.replace(business.core, moved)


def join_words(name: str, business: Business, random: Random) -> str | None:
    """Write two words of the name as one: Blue Bird, BlueBird, Bluebird, Blue-Bird."""
    words = business.core.split()
    places = [at for at in range(len(words) - 1) if words[at].isalpha() and words[at + 1].isalpha()]
    if not places:
        return None
    first, second = words[(at := random.choice(places))], words[at + 1]
    joined = random.choice((f"{first}{second}", f"{first}{second.lower()}", f"{first}-{second}"))
    return name.replace(f"{first} {second}", joined, 1)


def split_word(name: str, business: Business, random: Random) -> str | None:
    """Write a compound as two words, where it is made of known parts: Nova Tek, Elektro-Technik."""
    for word in business.core.split():
        for end in (*_ENDS, *words_of("coined_last")):
            head = word.removesuffix(end)
            if len(head) >= 3 and head != word and (end in _ENDS or head in words_of("coined_first")):
                return name.replace(word, head + random.choice((" ", "-")) + end.capitalize(), 1)
    return None


def drop_generic(name: str, business: Business, _: Random) -> str | None:
    if not business.generic or business.core == business.generic:
        return None
    return name.replace(f" {business.generic}", "", 1)


def add_generic(name: str, business: Business, random: Random) -> str | None:
    """Add a word that says nothing: Services, Group, Solutions."""
    if business.generic or _facts(business)["language"] != "en" or not business.trade:
        return None
    return name.replace(business.core, f"{business.core} {random.choice(words_of('second')[:4])}", 1)


def repeat_word(name: str, business: Business, random: Random) -> str | None:
    words = business.core.split()
    word = random.choice(words)
    return name.replace(word, f"{word} {word}", 1)


def shorten_first_name(name: str, business: Business, random: Random) -> str | None:
    """Write a first name by its letter: J. Smith Plumbing."""
    found = [first for first in _facts(business)["first"] if re.search(rf"\b{first} \w", business.core)]
    if not found:
        return None
    return name.replace(found[0], random.choice((found[0][0], f"{found[0][0]}.")), 1)


def _facts(business: Business) -> dict[str, Any]:
    return countries().get(business.country) or countries()["US"]


def _replace_end(name: str, form: str, other: str) -> str:
    head, _, tail = name.rpartition(form)
    return f"{head}{other}{tail}" if form and form in name else name
