"""Invents firms, and others that are easily taken for them."""

from dataclasses import dataclass, replace
from random import Random

from trainer.vocabulary import (
    ADJECTIVES,
    ENDINGS,
    FORMS,
    NOUNS,
    OPPOSITES,
    PLACES,
    SHAPES,
    SURNAMES,
    SYLLABLES,
    TRADES,
    TWINS,
)

_NUMBERS = ("1", "2", "3", "21", "24", "360", "One", "Two", "Three", "First")
_LETTERS = "ABCDEFGHJKLMNPRST"
_LABEL_CHARACTERS = 30
_LEADING = ("Northern", "Old", "Upper", "Mary's")
"""First words of the groups of opposites that stand before a name; those of others stand behind it."""


@dataclass(frozen=True)
class Firm:
    """A firm as it is: what its vendor and its PSA know of it is read off later."""

    core: str
    form: str
    country: str
    town: str
    domain: str
    tax_id: str
    postcode: str
    code: str

    @property
    def name(self) -> str:
        joint = "" if self.form.startswith(",") or not self.form else " "
        return f"{self.core}{joint}{self.form}"


def invent_word(rng: Random) -> str:
    syllables: str = "".join(rng.choice(SYLLABLES) for _ in range(rng.choice((2, 2, 3))))
    word: str = (syllables + rng.choice(ENDINGS + [""] * 12)).capitalize()
    return word


def invent_core(rng: Random) -> str:
    """Returns a name without a legal form, of one of the usual shapes."""
    shape: str = rng.choice(SHAPES)
    return shape.format(**_words(rng))


def _words(rng: Random) -> dict[str, str]:
    surname, other, third = rng.sample(SURNAMES, 3)
    place, place2 = rng.sample(PLACES, 2)
    return {
        "surname": surname,
        "other": other,
        "third": third,
        "place": place,
        "place2": place2,
        "trade": rng.choice(TRADES),
        "adjective": rng.choice(ADJECTIVES),
        "noun": rng.choice(NOUNS),
        "word": invent_word(rng),
        "word2": invent_word(rng),
        "number": rng.choice(_NUMBERS),
        "letter": rng.choice(_LETTERS),
        "letters": "".join(rng.choice(_LETTERS) for _ in range(3)),
    }


def invent_firm(rng: Random) -> Firm:
    country = rng.choice((*FORMS, "US", "US", "US", "GB", "GB", "DE"))
    core = invent_core(rng)
    number = str(rng.randrange(100)) if rng.random() < 0.3 else ""
    return Firm(
        core=core,
        form=rng.choice((*FORMS[country], "")) if rng.random() < 0.75 else "",
        country=country,
        town=rng.choice(PLACES),
        domain=domain_of(core, rng),
        tax_id=f"{country}{rng.randrange(10**8, 10**9)}",
        postcode=f"{rng.randrange(10_000, 99_999)}",
        code="".join(word[:4] for word in core.split())[:12] + number,
    )


def domain_of(core: str, rng: Random) -> str:
    letters = "".join(sign if sign.isalnum() else " " for sign in core.lower())
    words = [word for word in letters.split() if word.isascii()] or ["firm"]
    initials = "".join(word[0] for word in words) + "group"
    labels = (
        "".join(words),
        "".join(words[:2]),
        f"{words[0]}{rng.randrange(100)}",
        "-".join(words),
        initials,
    )
    top = rng.choice(("com", "com", "net", "co.uk", "de", "org"))
    return f"{rng.choice(labels)[:_LABEL_CHARACTERS]}.{top}"


def twin_of(firm: Firm, rng: Random) -> Firm:
    """Returns another firm that is easily taken for this one."""
    other, words = invent_firm(rng), firm.core.split()
    parts = {
        "core": firm.core,
        "first": words[0],
        "most": " ".join(words[:-1] or words),
        "rest": " ".join(words[1:] or words),
    }
    is_opposite = rng.random() < 0.25
    core = _opposite(firm.core, rng) if is_opposite else rng.choice(TWINS).format(**parts, **_words(rng))
    if core == firm.core:
        core = f"{core} {rng.choice(NOUNS)}"
    return replace(
        other,
        core=core,
        form=firm.form if rng.random() < 0.5 else other.form,
        country=firm.country if rng.random() < 0.8 else other.country,
        town=firm.town if rng.random() < 0.3 else other.town,
        domain=firm.domain if rng.random() < 0.15 else domain_of(core, rng),
    )


def _opposite(core: str, rng: Random) -> str:
    """Returns the name with one of a group of words that exclude each other, in another's place or added."""
    for group in OPPOSITES:
        for word in group:
            if word in core.split():
                return core.replace(word, rng.choice([other for other in group if other != word]))
    group = rng.choice(OPPOSITES)
    return f"{rng.choice(group)} {core}" if group[0] in _LEADING else f"{core} {rng.choice(group)}"


def namesake_of(firm: Firm, rng: Random) -> Firm:
    """Returns another firm of the same name: only its evidence tells the two apart."""
    other = invent_firm(rng)
    return replace(other, core=firm.core, form=firm.form if rng.random() < 0.5 else other.form)
