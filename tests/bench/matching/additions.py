"""What people write beside a name: codes, notes, places, departments, earlier and trading names."""

import re
from random import Random

from tests.bench.matching.models import Business
from tests.bench.matching.words import words_of

_COUNTRY_NAMES = {
    "US": ("USA", "US", "America"),
    "GB": ("UK", "(UK)", "United Kingdom"),
    "DE": ("Deutschland", "Germany", "DE"),
    "NL": ("Nederland", "Netherlands", "NL"),
    "FR": ("France", "FR"),
    "SE": ("Sverige", "Sweden"),
    "AU": ("Australia", "AUS"),
    "DK": ("Danmark", "Denmark"),
    "NO": ("Norge", "Norway"),
    "CA": ("Canada",),
    "CH": ("Schweiz", "Switzerland"),
}


def put_code_before(name: str, _: Business, random: Random) -> str | None:
    number = random.randrange(100, 99_999)
    return random.choice(
        (
            f"{number} - {name}",
            f"{number} {name}",
            f"[{_code(name)}] {name}",
            f"C{number}: {name}",
            f"#{number} {name}",
            f"{_code(name)} - {name}",
        )
    )


def put_code_behind(name: str, _: Business, random: Random) -> str | None:
    number = random.randrange(100, 99_999)
    return random.choice(
        (
            f"{name} ({number})",
            f"{name} - {number}",
            f"{name} [{_code(name)}]",
            f"{name} (K-{number})",
            f"{name} #{number}",
            f"{name}_{number}",
        )
    )


def add_note(name: str, _: Business, random: Random) -> str | None:
    note = random.choice(words_of("notes"))
    return random.choice(
        (
            f"{name} ({note})",
            f"{name} - {note}",
            f"{name} [{note}]",
            f"** {note} ** {name}",
            f"{name} *{note}*",
        )
    )


def add_place(name: str, business: Business, random: Random) -> str | None:
    """Add the town where it is; only where the evidence or the words do not say another one."""
    if not business.town or business.town.casefold() in business.core.casefold():
        return None
    town = business.town
    return random.choice(
        (f"{name} - {town}", f"{name} ({town})", f"{name} {town}", f"{town} - {name}", f"{name}, {town}")
    )


def add_country(name: str, business: Business, random: Random) -> str | None:
    if business.country not in _COUNTRY_NAMES:
        return None
    country = random.choice(_COUNTRY_NAMES[business.country])
    return name.replace(
        business.core, random.choice((f"{business.core} {country}", f"{business.core} ({country})")), 1
    )


def add_department(name: str, _: Business, random: Random) -> str | None:
    department = random.choice(words_of("departments"))
    return random.choice(
        (
            f"{name} - {department}",
            f"{name}, {department}",
            f"{name} ({department})",
            f"{name} / {department}",
        )
    )


def add_trading_name(name: str, business: Business, random: Random) -> str | None:
    """Put the name of an owning company before it: Kestrel Ventures Ltd t/a Smith Plumbing."""
    if business.country not in ("US", "GB", "AU", "NZ", "IE", "CA"):
        return None
    owner = f"{_coined(random)} {random.choice(('Holdings', 'Ventures', 'Enterprises'))}"
    owner += " LLC" if business.country == "US" else " Ltd"
    word = random.choice(
        ("dba", "d/b/a", "DBA") if business.country == "US" else ("t/a", "T/A", "trading as")
    )
    return random.choice(
        (
            f"{owner} {word} {business.core}",
            f"{name} ({word} {owner})" if word == "dba" else f"{owner} {word} {business.core}",
        )
    )


def add_former_name(name: str, business: Business, random: Random) -> str | None:
    former = f"{random.choice(words_of('adjectives'))} {_coined(random)}"
    word = random.choice(("formerly", "fka", "f/k/a", "prev.", "was"))
    if business.country in ("DE", "AT", "CH"):
        word = random.choice(("vormals", "ehem.", "früher"))
    return random.choice(
        (f"{name} ({word} {former})", f"{name} {word} {former}", f"{name} - {word} {former}")
    )


def add_title(name: str, business: Business, random: Random) -> str | None:
    """Put the word for a firm or a practice before the name, as people on the Continent do."""
    titles = {
        "DE": ("Fa.", "Firma"),
        "AT": ("Fa.", "Firma"),
        "CH": ("Firma",),
        "NL": ("Fa.", "Firma"),
        "BE": ("Firma",),
        "FR": ("Ets", "Sté", "Société", "Groupe"),
        "DK": ("Firma",),
        "SE": ("Firma",),
        "ES": ("Grupo",),
        "IT": ("Ditta", "Gruppo"),
    }
    return f"{random.choice(titles[business.country])} {name}" if business.country in titles else None


def _coined(random: Random) -> str:
    return random.choice(words_of("coined_first")) + random.choice(words_of("coined_last"))


def _code(name: str) -> str:
    return re.sub(r"\W", "", name).upper()[:5] or "X"
