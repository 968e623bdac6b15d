"""Composes the names of small businesses, as people of each language call theirs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.bench.matching.words import trades, words_of

_SONS = {
    "en": "& Sons",
    "de": "& Söhne",
    "nl": "& Zonen",
    "fr": "et Fils",
    "sv": "& Söner",
    "da": "& Sønner",
    "no": "& Sønner",
}
AND = {
    "en": "and",
    "de": "und",
    "nl": "en",
    "fr": "et",
    "sv": "och",
    "da": "og",
    "no": "og",
    "fi": "ja",
    "es": "y",
    "it": "e",
}
_BROTHERS = {
    "de": "Gebrüder {}",
    "nl": "Gebroeders {}",
    "fr": "{} Frères",
    "sv": "Bröderna {}",
    "da": "Brdr. {}",
    "no": "Brødrene {}",
}
_SAINTS = ("Mary", "John", "Peter", "Paul", "Luke", "Mark", "Anne", "George", "Michael", "Andrew")
_BODIES = (
    "City of {town}",
    "{town} City Council",
    "{town} Chamber of Commerce",
    "{town} Golf Club",
    "{town} Public Library",
    "First Baptist Church of {town}",
    "{town} Community Health Center",
    "{town} School District {number}",
    "University of {town}",
    "St {saint}'s Primary School {town}",
    "St. {saint}'s Church {town}",
    "{town} Rotary Club",
    "{town} County Sheriff",
    "Bank of {town}",
    "{town} & District Housing Association",
    "Friends of {town} Museum",
)

_COUNTS = ("One", "Two", "Three", "4", "7", "21", "360", "Second", "Third")

Made = tuple[str, str, str]
"""The name, the words of it that say the trade, and the filling word at its end."""


def compose(facts: dict[str, Any], surnames: Sequence[str], town: str, random: Random) -> Made:
    """Return a name after one of the patterns of the country's language."""
    language = facts["language"]
    trade = random.choice(trades(language))
    if language == "en":
        pattern = random.choice((*_ENGLISH, *_ANYWHERE))
    else:
        pattern = random.choice((*_ANYWHERE, *_CONTINENTAL))
    core = pattern(_Words(language, town, trade, random, facts["first"], surnames))
    generic = ""
    if language == "en" and len(core.split()) < 4 and random.random() < 0.2:
        generic = random.choice(words_of("second"))
        core = f"{core} {generic}"
    return core, trade if trade in core else "", generic


@dataclass(frozen=True, slots=True)
class _Words:
    """The words at hand for one name."""

    language: str
    town: str
    trade: str
    random: Random
    first_names: Sequence[str]
    surnames: Sequence[str]

    @property
    def surname(self) -> str:
        return self.random.choice(self.surnames)

    @property
    def first(self) -> str:
        return self.random.choice(self.first_names)

    @property
    def adjective(self) -> str:
        return self.random.choice(words_of("adjectives"))

    @property
    def coined(self) -> str:
        return self.random.choice(words_of("coined_first")) + self.random.choice(words_of("coined_last"))

    @property
    def letters(self) -> str:
        return "".join(
            self.random.choice("ABCDEFGHJKLMNPRSTVW") for _ in range(self.random.choice((2, 3, 3)))
        )

    @property
    def other_trade(self) -> str:
        return self.random.choice(trades(self.language))


def _body(w: _Words) -> str:
    """Return the name of a public body, a church, a school or a club."""
    number, saint = w.random.randrange(2, 300), w.random.choice(_SAINTS)
    return w.random.choice(_BODIES).format(town=w.town, number=number, saint=saint)


def _brothers(w: _Words) -> str:
    return _BROTHERS.get(w.language, "{} Brothers").format(w.surname) + f" {w.trade}"


Pattern = Callable[[_Words], str]

_ANYWHERE: tuple[Pattern, ...] = (
    lambda w: f"{w.surname} {w.trade}",
    lambda w: f"{w.surname} {w.trade}",
    lambda w: f"{w.trade} {w.surname}" if w.language != "en" else f"{w.surname} {w.trade}",
    lambda w: f"{w.surname} & {w.surname} {w.trade}",
    lambda w: f"{w.surname} {AND[w.language]} {w.surname}",
    lambda w: f"{w.surname} {_SONS.get(w.language, '& Co')} {w.trade}",
    lambda w: f"{w.first} {w.surname} {w.trade}",
    lambda w: f"{w.town} {w.trade}",
    lambda w: f"{w.coined} {w.trade}",
    lambda w: f"{w.coined} {w.surname}",
    lambda w: f"{w.letters} {w.trade}",
    _brothers,
)
_ENGLISH: tuple[Pattern, ...] = (
    lambda w: f"{w.adjective} {w.trade}",
    lambda w: f"{w.adjective} {w.town} {w.trade}",
    lambda w: f"The {w.adjective} {w.trade} Company",
    lambda w: f"{w.surname}'s {w.trade}",
    lambda w: f"{w.surname}, {w.surname} & {w.surname}",
    lambda w: f"{w.surname} {w.trade} & {w.other_trade}",
    lambda w: f"{w.adjective} {w.adjective} {w.trade}",
    lambda w: f"{w.first[0]} {w.first[0]} {w.surname} {w.trade}",
    lambda w: f"{w.coined} International {w.trade}",
    lambda w: f"{w.random.choice(_COUNTS)} {w.adjective} {w.trade}",
    _body,
)
_CONTINENTAL: tuple[Pattern, ...] = (
    lambda w: f"{w.trade} {w.first} {w.surname}",
    lambda w: f"{w.surname}-{w.surname} {w.trade}",
    lambda w: f"{w.trade} {w.town}",
    lambda w: f"{w.surname} {w.trade} {w.town}",
    lambda w: f"{w.trade}-{w.other_trade} {w.surname}",
    lambda w: f"{w.letters} {w.surname} {w.trade}",
)
