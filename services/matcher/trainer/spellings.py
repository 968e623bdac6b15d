"""Writes a firm's name as other people write it: one function for each habit."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from trainer.firms import Firm
from trainer.slips import joined, misspelt, repeated, spaced, truncated
from trainer.vocabulary import FORMS, NOTES, PLACES, SHORT_NAMES

Spelling = Callable[[Firm, Random], str]

_FIGURES = {"One": "1", "Two": "2", "Three": "3", "First": "1st", "1": "One", "2": "Two", "3": "III"}
_ACCENTED = "éøÅåóñúßüöä"
_BARE = str.maketrans(
    dict(zip(_ACCENTED, ("e", "o", "A", "a", "o", "n", "u", "ss", "u", "o", "a"), strict=True))
)
_PLAIN = _BARE | {ord("ü"): "ue", ord("ö"): "oe", ord("ä"): "ae"}
_FURTHER_WORDS = [
    "Group",
    "Services",
    "Company",
    "Solutions",
    "Inc",
    "Team",
    "Online",
    "Office",
    "International",
]


def upper(firm: Firm, rng: Random) -> str:
    return rng.choice((firm.name.upper(), firm.name.lower(), firm.core.upper()))


def unpunctuated(firm: Firm, rng: Random) -> str:
    return "".join(sign for sign in firm.name if sign.isalnum() or sign == " ")


def transcribed(firm: Firm, rng: Random) -> str:
    return firm.name.translate(rng.choice((_PLAIN, _BARE)))


def without_form(firm: Firm, rng: Random) -> str:
    return firm.core


def other_form(firm: Firm, rng: Random) -> str:
    return f"{firm.core} {rng.choice(FORMS[firm.country])}".replace(" ,", ",")


def other_and(firm: Firm, rng: Random) -> str:
    return (
        firm.name.replace("&", rng.choice(("and", "+", "")) if "&" in firm.name else "&")
        .replace(" and ", " & ")
        .replace("  ", " ")
    )


def other_article(firm: Firm, rng: Random) -> str:
    return (
        firm.name.removeprefix("The ")
        if firm.name.startswith("The ")
        else f"{firm.name}, The"
        if rng.random() < 0.4
        else f"The {firm.name}"
    )


def turned(firm: Firm, rng: Random) -> str:
    words = firm.core.split()
    return (
        " ".join([*words[1:], words[0]])
        if rng.random() < 0.6
        else f"{' '.join(words[1:])}, {words[0]}".strip(", ")
    )


def initials(firm: Firm, rng: Random) -> str:
    words = [word for word in firm.core.replace("&", " ").split() if word[0].isalpha()]
    if len(words) < 3:
        return shortened(firm, rng)
    letters = [word[0].upper() for word in words]
    return rng.choice(
        (
            "".join(letters),
            ".".join(letters) + ".",
            f"{''.join(letters[:-1])} {words[-1]}",
            f"{''.join(letters)} {firm.form}",
        )
    )


def shortened(firm: Firm, rng: Random) -> str:
    return " ".join(
        SHORT_NAMES.get(word, word) + rng.choice(("", ".")) * (word in SHORT_NAMES)
        for word in firm.core.split()
    )


def cut_words(firm: Firm, rng: Random) -> str:
    words = firm.core.split()
    at = max(range(len(words)), key=lambda at: len(words[at]))
    words[at] = words[at][: max(4, len(words[at]) - rng.choice((2, 3, 4)))]
    return " ".join(words)


def plural(firm: Firm, rng: Random) -> str:
    words = firm.name.split()
    at = rng.randrange(len(words))
    words[at] = words[at].rstrip("s") if words[at].endswith("s") else words[at] + rng.choice(("s", "'s"))
    return " ".join(words)


def other_numbers(firm: Firm, rng: Random) -> str:
    return " ".join(_FIGURES.get(word, word) for word in firm.name.split())


def with_code(firm: Firm, rng: Random) -> str:
    shapes = (
        "{number} - {name}",
        "{core} ({number})",
        "C{number} {core}",
        "{code} - {name}",
        "{name} #{number}",
    )
    parts = {"name": firm.name, "core": firm.core, "code": firm.code[:6].upper()}
    return rng.choice(shapes).format(number=rng.randrange(100, 99_999), **parts)


def with_note(firm: Firm, rng: Random) -> str:
    note = rng.choice(NOTES)
    shapes = (
        "{name} ({note})",
        "{name} - {note}",
        "{note} {core}",
        "*{name}*",
        "zz_{name}",
        "{name} [{note}]",
    )
    return rng.choice(shapes).format(name=firm.name, core=firm.core, note=note)


def with_place(firm: Firm, rng: Random) -> str:
    return rng.choice(
        (
            f"{firm.name} ({firm.town})",
            f"{firm.core} - {firm.town}",
            f"{firm.core} {firm.town}",
            f"{firm.core}, {firm.town}",
        )
    )


def with_alias(firm: Firm, rng: Random) -> str:
    kind = rng.choice(("Services", "Trading", "Enterprises"))
    other = f"{rng.choice(PLACES)} {kind} {rng.randrange(2, 99)}"
    shapes = (
        *("{other} {form} {mark} {core}", "{core} {mark} {other}"),
        *("{name} (formerly {other})", "{name} fka {other}"),
    )
    mark = rng.choice(("dba", "d/b/a", "t/a", "trading as"))
    return rng.choice(shapes).format(other=other, mark=mark, name=firm.name, core=firm.core, form=firm.form)


def as_domain(firm: Firm, rng: Random) -> str:
    return rng.choice((firm.domain, f"www.{firm.domain}", firm.domain.split(".")[0]))


def fewer_words(firm: Firm, rng: Random) -> str:
    words = firm.core.split()
    return " ".join(words[:-1]) if len(words) > 2 else firm.core


def more_words(firm: Firm, rng: Random) -> str:
    return f"{firm.core} {rng.choice(_FURTHER_WORDS)}"


SPELLINGS: dict[Spelling, int] = {
    upper: 6,
    unpunctuated: 5,
    transcribed: 4,
    without_form: 10,
    other_form: 8,
    other_and: 4,
    other_article: 3,
    turned: 4,
    initials: 3,
    shortened: 6,
    cut_words: 3,
    plural: 4,
    other_numbers: 2,
    joined: 4,
    misspelt: 9,
    truncated: 3,
    with_code: 4,
    with_note: 5,
    with_place: 4,
    with_alias: 3,
    as_domain: 2,
    fewer_words: 3,
    more_words: 3,
    repeated: 1,
    spaced: 1,
}
"""Each habit with how usual it is."""


def respell(firm: Firm, rng: Random) -> str:
    """Returns the name as somebody else writes it; one time in five with two habits at once."""
    habits, weights = [*SPELLINGS], [*SPELLINGS.values()]
    (first,) = rng.choices(habits, weights)
    name = first(firm, rng)
    if rng.random() < 0.2:
        (second,) = rng.choices(habits, weights)
        name = second(replace(firm, core=name, form=""), rng)
    return name or firm.name
