"""Pairs of different businesses that nobody may take for each other, made from one business.

Example: `other trade` makes Smith Painting beside Smith Plumbing; `branches` makes two of one firm in Leeds
and in York, which share a domain.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from tests.bench.matching.companies import evidence_for
from tests.bench.matching.models import Business
from tests.bench.matching.words import countries, trades, words_of

Pair = tuple[Business, Business]
Twin = Callable[[Business, Random], Pair | None]

_SPELLINGS = (
    (r"sen\b", "son"), (r"son\b", "sen"), (r"mann\b", "man"), (r"dt\b", "tt"), (r"ei", "ey"), (r"ey", "ei"),
    (r"ck\b", "k"), (r"\bClark\b", "Clarke"), (r"\bThomson\b", "Thompson"), (r"ans", "anss"), (r"Ped", "Pet"),
    (r"Smith", "Smyth"), (r"nn", "n"), (r"ff", "f"), (r"and\b", "ant"),
    (r"ert\b", "ertson"), (r"is\b", "ison"),
    (r"Schm", "Schn"), (r"\bRe", "Ree"), (r"own\b", "owne"),
)  # fmt: skip
"""How one surname differs from another that is as common: Anderson and Andersen, Meier and Meyer."""
_OPPOSITES = (
    ("Northern", "Southern"),
    ("Eastern", "Western"),
    ("North", "South"),
    ("East", "West"),
    ("Upper", "Lower"),
    ("Old", "New"),
    ("Red", "Green"),
)
_UNITS = (
    "Holdings",
    "Properties",
    "Services",
    "Retail",
    "Leasing",
    "Foundation",
    "Finance",
    "Logistics",
    "Trading",
)
_NUMBERED = (
    "School District {}",
    "Fund {}",
    "Lodge {}",
    "Site {}",
    "Unit {}",
    "Store #{}",
    "Local {}",
    "Plant {}",
)


def other_trade(business: Business, random: Random) -> Pair | None:
    if not business.trade or business.core == business.trade:
        return None
    language = _language(business)
    trade = random.choice([word for word in trades(language) if word not in business.core])
    return business, _sibling(business, business.core.replace(business.trade, trade), random)


def branches(business: Business, random: Random) -> Pair | None:
    """Return one firm in two towns; the two share their domain, and differ in town and postcode."""
    towns = random.sample(countries().get(business.country, countries()["US"])["towns"], 2)
    shape = random.choice(("{} {}", "{} - {}", "{} ({})", "{}, {}"))
    made = [_sibling(business, shape.format(business.core, town), random) for town in towns]
    same = [replace(each, town=town, domain=business.domain) for each, town in zip(made, towns, strict=True)]
    return same[0], same[1]


def parent_and_subsidiary(business: Business, random: Random) -> Pair | None:
    stem = business.core.removesuffix(business.generic).strip()
    upper, lower = random.sample(_UNITS, 2)
    parent, child = (_sibling(business, f"{stem} {unit}", random) for unit in (upper, lower))
    return parent, replace(child, domain=parent.domain) if random.random() < 0.5 else child


def group_and_member(business: Business, random: Random) -> Pair | None:
    """Return a firm and the group that owns it; they share the domain half of the time."""
    group = _sibling(
        business, f"{business.core} {random.choice(('Group', 'Holdings', 'International'))}", random
    )
    return business, replace(group, domain=business.domain) if random.random() < 0.5 else group


def word_and_figure(business: Business, random: Random) -> Pair | None:
    """Return Studio One and Studio 1, which are two firms."""
    word, figure = random.choice((("One", "1"), ("Two", "2"), ("First", "1st"), ("Seven", "7")))
    return _sibling(business, f"{business.core} {word}", random), _sibling(
        business, f"{business.core} {figure}", random
    )


def neighbouring_numbers(business: Business, random: Random) -> Pair | None:
    shape, low = random.choice(_NUMBERED), random.randrange(1, 90)
    other = random.choice((low + 1, low + 10, low * 10 + 1))
    first, second = (_sibling(business, f"{business.core} {shape.format(n)}", random) for n in (low, other))
    return first, replace(second, domain=first.domain)


def same_name_abroad(business: Business, random: Random) -> Pair | None:
    """Return two firms of one name in two countries, of which the evidence tells one from the other."""
    country = random.choice(
        [code for code in ("US", "GB", "DE", "AU", "NL", "SE") if code != business.country]
    )
    form = random.choice(countries()[country]["forms"])[0] if business.form else ""
    abroad = evidence_for(business.core, country, random)
    return business, replace(business, form=form, **abroad)


def surname_spelling(business: Business, random: Random) -> Pair | None:
    """Return two firms whose names differ by a letter or two, as two surnames do."""
    head = business.core.split()[0]
    for pattern, other in random.sample(_SPELLINGS, len(_SPELLINGS)):
        if (
            business.trade
            and head not in business.trade
            and (changed := re.sub(pattern, other, head)) != head
        ):
            return business, _sibling(business, business.core.replace(head, changed, 1), random)
    return None


def opposite(business: Business, random: Random) -> Pair | None:
    first, second = random.choice(_OPPOSITES)
    return _sibling(business, f"{first} {business.core}", random), _sibling(
        business, f"{second} {business.core}", random
    )


def with_and_without_sons(business: Business, random: Random) -> Pair | None:
    if _language(business) != "en" or " & " in business.core or not business.trade:
        return None
    stem = business.core.replace(business.trade, "").strip()
    return (business, _sibling(business, f"{stem} & Sons {business.trade}", random)) if stem else None


def other_first_name(business: Business, random: Random) -> Pair | None:
    facts = countries().get(business.country, countries()["US"])
    first, second = random.sample(facts["first"], 2)
    if any(name in business.core for name in facts["first"]):
        return None
    if random.random() < 0.3:
        first, second = random.sample("ABCDEFGHJKLMPRSTW", 2)
    return _sibling(business, f"{first} {business.core}", random), _sibling(
        business, f"{second} {business.core}", random
    )


def other_letters(business: Business, random: Random) -> Pair | None:
    """Return ABC Plumbing and ABD Plumbing."""
    if not business.trade:
        return None
    letters = [random.choice("ABCDEFGHJKLMNPRSTVW") for _ in range(3)]
    changed = [*letters]
    changed[random.randrange(3)] = random.choice(
        [sign for sign in "ABCDEFGHJKLMNPRSTVW" if sign not in letters]
    )
    first, second = (
        _sibling(business, f"{''.join(each)} {business.trade}", random) for each in (letters, changed)
    )
    return first, second


def saints(business: Business, random: Random) -> Pair | None:
    first, second = random.sample(
        ("Mary", "Mark", "Martin", "Margaret", "John", "Joan", "Joseph", "Paul", "Peter"), 2
    )
    kind = random.choice(("Primary School", "Church", "Hospital", "Academy", "Hospice"))
    made = [
        _sibling(business, f"St {saint}'s {kind} {business.town}".strip(), random)
        for saint in (first, second)
    ]
    return replace(made[0], form="", town=business.town), replace(made[1], form="", town=business.town)


TWINS: tuple[tuple[str, Twin, float], ...] = tuple(
    (twin.__name__.replace("_", " "), twin, weight)
    for twin, weight in (
        (other_trade, 3), (branches, 3), (parent_and_subsidiary, 2), (group_and_member, 1.5),
        (word_and_figure, 1),
        (neighbouring_numbers, 1.5), (same_name_abroad, 1.5), (surname_spelling, 3), (opposite, 1),
        (with_and_without_sons, 1), (other_first_name, 1.5), (other_letters, 1), (saints, 1),
    )
)  # fmt: skip
"""Each kind of twin with its share; `old name` is made where the lists are, for it needs a third name."""

TOLD_BY_PLACE = frozenset(
    ("same name abroad", "branches", "surname spelling", "group and member", "with and without sons")
)
"""Kinds that are surely two businesses only when the evidence says so."""


def make_twins(business: Business, random: Random) -> tuple[str, Business, Business] | None:
    """Return the kind and the two businesses; None after some kinds that the business does not suit."""
    if business.latin:
        return None
    for _ in range(8):
        kind, twin, _ = random.choices(TWINS, [weight for *_, weight in TWINS])[0]
        if (pair := twin(business, random)) and pair[0].name != "":
            return kind, *pair
    return None


def made_up_core(random: Random, words: Sequence[str] = ()) -> str:
    first = random.choice([*words, *words_of("adjectives")])
    return f"{first} {random.choice(words_of('coined_first'))}{random.choice(words_of('coined_last'))}"


def _sibling(business: Business, core: str, random: Random) -> Business:
    """Return another business with this name, in the same country, with its own evidence."""
    country = business.country if business.country in countries() else "US"
    return replace(business, core=core, **evidence_for(core, country, random) | {"country": business.country})


def _language(business: Business) -> str:
    found: str = countries().get(business.country, countries()["US"])["language"]
    return found
