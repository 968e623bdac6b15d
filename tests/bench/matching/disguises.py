"""Names of which little is left: initials, a domain, another script, another name altogether.

Some of these can be resolved by evidence alone; `resolvability` keeps only the cases that can.
"""

import re
from random import Random

from tests.bench.matching.canonical_name import read_words
from tests.bench.matching.models import Business
from tests.bench.matching.words import words_of

_TO_CYRILLIC = {
    "shch": "щ",
    "zh": "ж",
    "kh": "х",
    "ts": "ц",
    "ch": "ч",
    "sh": "ш",
    "yu": "ю",
    "ya": "я",
    "ph": "ф",
    "th": "т",
    "ck": "к",
    "qu": "кв",
    "a": "а",
    "b": "б",
    "c": "к",
    "d": "д",
    "e": "е",
    "f": "ф",
    "g": "г",
    "h": "х",
    "i": "и",
    "j": "дж",
    "k": "к",
    "l": "л",
    "m": "м",
    "n": "н",
    "o": "о",
    "p": "п",
    "q": "к",
    "r": "р",
    "s": "с",
    "t": "т",
    "u": "у",
    "v": "в",
    "w": "в",
    "x": "кс",
    "y": "й",
    "z": "з",
}
_TO_GREEK = {
    "ch": "χ",
    "th": "θ",
    "ph": "φ",
    "ps": "ψ",
    "ou": "ου",
    "a": "α",
    "b": "β",
    "c": "κ",
    "d": "δ",
    "e": "ε",
    "f": "φ",
    "g": "γ",
    "h": "χ",
    "i": "ι",
    "j": "τζ",
    "k": "κ",
    "l": "λ",
    "m": "μ",
    "n": "ν",
    "o": "ο",
    "p": "π",
    "q": "κ",
    "r": "ρ",
    "s": "σ",
    "t": "τ",
    "u": "ου",
    "v": "β",
    "w": "γου",
    "x": "ξ",
    "y": "υ",
    "z": "ζ",
}


def make_initials(_: str, business: Business, random: Random) -> str | None:
    """Write a name of three words and more by their first letters, as its people call it."""
    words = [word for word in re.findall(r"\w+", business.core) if word[0].isupper()]
    if len(words) < 3:
        return None
    letters = "".join(word[0] for word in words)
    written = random.choice((letters, ".".join(letters) + ".", letters))
    return f"{written} {business.form}".strip() if random.random() < 0.5 else written


def shorten_tail(name: str, business: Business, _: Random) -> str | None:
    """Write what follows the first word by its letters: Smith P&H for Smith Plumbing & Heating."""
    words = re.findall(r"\w+|&", business.core)
    if len(words) < 3 or len(words[0]) < 4:
        return None
    return name.replace(business.core, f"{words[0]} {''.join(word[0] for word in words[1:])}")


def use_domain(_: str, business: Business, random: Random) -> str | None:
    return random.choice((business.domain, f"www.{business.domain}", business.domain.upper()))


def use_identifier(_: str, business: Business, __: Random) -> str | None:
    """Write the name as one word without form, as a PSA's company identifier is made."""
    return re.sub(r"\W", "", business.core)


def drop_trade(_: str, business: Business, __: Random) -> str | None:
    """Keep the person's or the made-up name alone: Smith for Smith Plumbing."""
    if not business.trade or business.core == business.trade:
        return None
    kept = " ".join(business.core.replace(business.trade, " ").split()).strip(" &-,")
    return kept if len(kept) >= 4 and read_words(kept) != read_words(business.core) else None


def transliterate(_: str, business: Business, random: Random) -> str | None:
    """Write a Latin name in Cyrillic or Greek, or a name of another script in Latin letters."""
    if business.latin:
        return business.latin
    if not business.core.isascii() or not re.fullmatch(r"[A-Za-z ]+", business.core):
        return None
    table = random.choice((_TO_CYRILLIC, _TO_GREEK))
    pattern = re.compile("|".join(sorted(table, key=len, reverse=True)))
    return " ".join(
        pattern.sub(lambda found: table[found[0]], word.lower()).capitalize()
        for word in business.core.split()
    )


def move_native_form(_: str, business: Business, random: Random) -> str | None:
    """Put the form of another script before, behind or away, or the Latin name beside it."""
    if not business.latin:
        return None
    core, form = business.core, business.form
    return random.choice(
        (f"{form}{core}", f"{form} {core}", core, f"{core} ({business.latin})", f"{business.latin} {core}")
    )


def rename(_: str, __: Business, random: Random) -> str | None:
    """Give the name under which its owner is known; evidence alone says that it is the same."""
    coined = random.choice(words_of("coined_first")) + random.choice(words_of("coined_last"))
    second = random.choice(("Ridge", "Lane", "Park", "House", "Works", "Court", "Point", "Yard"))
    third = random.choice(("Partners", "Collective", "Co", "Group", "Operations", "Trading"))
    return f"{coined} {second} {third}"
