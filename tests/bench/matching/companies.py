"""Makes businesses: real names that packages ship, and small-business names composed of word lists.

Invariant: a stock with the same names and the same seed gives the same businesses, and no two of them read
the same (`canonical_name`).  Near-twins arise on purpose, in `twins`, and by the chance of real life: with
few surnames and few trades there are soon a Smith Plumbing and a Smith Plumbing & Heating.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.bench.matching.canonical_name import read_words, squashed
from tests.bench.matching.models import Business
from tests.bench.matching.name_patterns import compose
from tests.bench.matching.words import countries, scripts

MARKETS = {
    "US": 30, "GB": 16, "DE": 12, "AU": 8, "NL": 7, "FR": 7, "SE": 4, "DK": 3, "NO": 3, "CA": 3,
    "IE": 2, "NZ": 2,
    "AT": 2, "CH": 2, "BE": 2, "FI": 1, "ES": 1, "IT": 1,
}  # fmt: skip
"""Where the customers of managed service providers are, in parts."""

_ELSEWHERE = {
    "Co Ltd",
    "Co., Ltd.",
    "Bhd",
    "Tbk PT",
    "PCL",
    "JSC",
    "SA",
    "SpA",
    "NV",
    "AG",
    "A.S.",
    "Holdings Ltd",
}
_ROLES = ("Class A", " ADR", " DRC", " Pref", " Preferred", " Warrant", " Unit", " DL ")
_OTHER_SCRIPT = 0.015


@dataclass(frozen=True, slots=True)
class NameStock:
    """The names that businesses are made of, beyond the word lists that the repository holds."""

    real: Sequence[tuple[str, str]] = ()
    """Full names with their country's code."""
    surnames: dict[str, Sequence[str]] = field(default_factory=dict)
    towns: dict[str, Sequence[str]] = field(default_factory=dict)


def businesses(stock: NameStock, seed: int) -> Iterator[Business]:
    """Yield businesses without end, about a third of them real while real names last, none twice."""
    random = Random(f"businesses {seed}")
    real = [pair for pair in stock.real if not any(role in pair[0] for role in _ROLES)]
    random.shuffle(real)
    seen: set[str] = set()
    while True:
        if real and random.random() < 1 / 3:
            made = _real(*real.pop(), random, stock)
        elif random.random() < _OTHER_SCRIPT:
            made = _in_other_script(random)
        else:
            made = _composed(random, stock)
        key = squashed(made.core)
        if len(key) >= 3 and key not in seen and read_words(made.core):
            seen.add(key)
            yield made


def evidence_for(core: str, country: str, random: Random, towns: Sequence[str] = ()) -> dict[str, Any]:
    """Return where a business is and how it is registered, in its country's shapes."""
    facts = countries().get(country) or countries()["US"]
    host = re.sub(r"[^a-z0-9]", "", _plain(core)) or f"c{random.randrange(10**6)}"
    if random.random() < 0.3 and len(core.split()) > 1:
        host = (
            "-".join(filter(None, (re.sub(r"[^a-z0-9]", "", _plain(word)) for word in core.split()[:2])))
            or host
        )
    return {
        "country": country,
        "town": random.choice([*facts["towns"], *towns]),
        "postcode": _shaped(facts["postcode"], random),
        "domain": f"{host[:30]}.{random.choice(facts['tlds'])}",
        "tax_id": _shaped(facts["tax"], random),
    }


def _composed(random: Random, stock: NameStock) -> Business:
    country = random.choices(list(MARKETS), list(MARKETS.values()))[0]
    facts = countries()[country]
    surnames = [*facts["surnames"], *stock.surnames.get(country, ())]
    place = evidence_for("x", country, random, stock.towns.get(country, ()))
    core, trade, generic = compose(facts, surnames, place["town"], random)
    form = random.choice(facts["forms"][: random.choice((1, 2, 2, 4))])[0] if random.random() < 0.65 else ""
    place |= {"domain": evidence_for(core, country, random)["domain"]}
    return Business(core=core, form=form, trade=trade, generic=generic, **place)


def _real(name: str, country: str, random: Random, stock: NameStock) -> Business:
    core, form = split_form(name, country)
    place = evidence_for(core, country, random, stock.towns.get(country, ()))
    return Business(core=core, form=form, **place)


def split_form(name: str, country: str) -> tuple[str, str]:
    """Return a name's words and the legal form at its end, where it ends with one."""
    facts = [countries()[code] for code in (country, "US", "GB") if code in countries()]
    forms = {text for each in facts for form in each["forms"] for text in form} | _ELSEWHERE
    for form in sorted(forms, key=lambda form: (-len(form), form)):
        if name.casefold().endswith(f" {form.casefold()}"):
            return name[: -len(form) - 1].rstrip(" ,"), name[-len(form) :]
    return name, ""


def _in_other_script(random: Random) -> Business:
    code = random.choice(list(scripts()))
    words = scripts()[code]
    first, last = random.choice(words["first"]), random.choice(words["last"])
    second = random.choice(words["first"]) if random.random() < 0.6 else ("", "")
    core = words["join"].join(filter(None, (first[0], second[0], last[0])))
    latin = " ".join(filter(None, (first[1], second[1], last[1])))
    place = evidence_for(latin, "US", random) | {"country": code, "town": ""}
    return Business(core=core, form=random.choice(words["forms"]), latin=latin, **place)


def _plain(text: str) -> str:
    table = str.maketrans(
        {
            "ä": "ae",
            "ö": "oe",
            "ü": "ue",
            "ß": "ss",
            "ø": "oe",
            "å": "aa",
            "æ": "ae",
            "é": "e",
            "è": "e",
            "ê": "e",
            "à": "a",
            "ç": "c",
            "ô": "o",
            "î": "i",
            "ñ": "n",
        }
    )
    return text.casefold().translate(table)


def _shaped(shape: str, random: Random) -> str:
    digits = re.sub("#", lambda _: str(random.randrange(10)), shape)
    return re.sub("@", lambda _: random.choice("ABCDEFGHJKLMNPRSTUVWXY"), digits)
