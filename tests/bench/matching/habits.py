"""How managed service providers write down a product of a vendor in their PSA: an identifier, a description.

A habit says whether it names the term.  Example, for Microsoft 365 Business Premium of one year, paid by
the month: `M365-BP-1Y-M`, `Microsoft 365 Business Premium (Annual, billed monthly)`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Offer:
    """A product on certain terms."""

    vendor: str
    name: str
    code: str
    short: tuple[str, ...]
    old: tuple[str, ...]
    mpn: str
    """The vendor's part number, without the term."""
    term: str
    """`P1M`, `P1Y` or `P3Y`."""
    billing: str
    """`P1M`, `P1Y`."""

    @property
    def full_mpn(self) -> str:
        return f"{self.mpn}_{self.term}_{self.rhythm}"

    @property
    def rhythm(self) -> str:
        return "M" if self.billing == "P1M" else "A"


Written = tuple[str, str]
"""Identifier and description."""

_LENGTHS = {
    "P1M": ("monthly", "month to month", "1 month", "M2M"),
    "P1Y": ("annual", "1 year", "12 months", "yearly"),
    "P3Y": ("3 years", "triennial", "36 months", "3-Year"),
}
_PAID = {
    "P1M": ("billed monthly", "monthly billing", "paid monthly"),
    "P1Y": ("billed annually", "annual billing", "paid upfront"),
}
_CODES = {"P1M": ("1M", "MTM", "M2M"), "P1Y": ("1Y", "ANN", "12M"), "P3Y": ("3Y", "TRI", "36M")}


def mpn_as_identifier(offer: Offer, random: Random) -> Written:
    return offer.full_mpn, random.choice((offer.name, f"{offer.vendor} {offer.name}", offer.short[0]))


def own_code(offer: Offer, random: Random) -> Written:
    code = f"{offer.code}-{_CODES[offer.term][0]}-{offer.rhythm}"
    return code, random.choice((offer.name, offer.short[0], code, f"{offer.name} {_in_words(offer, random)}"))


def vendor_prefix(offer: Offer, random: Random) -> Written:
    prefix = {"Microsoft": "MS", "Google": "GOO", "Adobe": "ADB"}.get(offer.vendor, offer.vendor[:3].upper())
    compact = offer.code.replace("-", "")
    code = f"{prefix}-{compact}-{random.choice(_CODES[offer.term])}{'' if offer.billing == 'P1M' else '-UPF'}"
    return code, f"{offer.vendor}: {offer.name} ({_in_words(offer, random)})"


def plain_description(offer: Offer, random: Random) -> Written:
    return f"{random.randrange(10_000, 99_999)}", f"{offer.name} - {_in_words(offer, random)}"


def abbreviations(offer: Offer, random: Random) -> Written:
    short = random.choice(offer.short)
    code = re.sub(r"[^A-Z0-9]", "", offer.code) + f"{_CODES[offer.term][0]}{offer.rhythm}"
    return code, f"{short} {_compact_terms(offer)}"


def price_list(offer: Offer, random: Random) -> Written:
    """Write it as a distributor's price list does, with the marks of the new commerce experience."""
    words = {"P1M": "Monthly", "P1Y": "Annual", "P3Y": "Triennial"}
    rhythm = "Monthly" if offer.billing == "P1M" else "Annual"
    mark = random.choice(("NCE ", "[NCE] ", "New Commerce ", "CSP ")) if offer.vendor == "Microsoft" else ""
    shape = random.choice(("{m}{n} ({t} - {r})", "{m}{n} {term}-{r}", "{n} {m}{term} {r} Comm"))
    text = shape.format(m=mark, n=offer.name, t=words[offer.term], r=rhythm, term=offer.term)
    return random.choice(
        (f"{offer.mpn}:{offer.term}:{rhythm}", f"{offer.mpn}-{offer.term}{offer.rhythm}")
    ), " ".join(text.split())


def term_in_words(offer: Offer, random: Random) -> Written:
    name = random.choice(
        (offer.name, offer.name.replace("Microsoft 365", "M365").replace("Microsoft ", "MS "))
    )
    shape = random.choice(("{n} – {w} commitment, {p}", "{n} ({w} term / {p})", "{w} {n}, {p}"))
    text = shape.format(n=name, w=random.choice(_LENGTHS[offer.term]), p=random.choice(_PAID[offer.billing]))
    return f"{offer.code}{random.randrange(100, 999)}", text


def term_left_out(offer: Offer, random: Random) -> Written:
    name = random.choice(
        (
            offer.name,
            f"{offer.vendor} {offer.name}",
            offer.short[0],
            f"{offer.name} License",
            f"{offer.name} (per user)",
        )
    )
    return random.choice((offer.code, offer.code.replace("-", ""), offer.mpn, offer.code.lower())), name


def old_name(offer: Offer, random: Random) -> Written:
    name = random.choice(offer.old or offer.short)
    return f"{random.randrange(1_000, 9_999)}", f"{name} {_compact_terms(offer)}"


def capitals(offer: Offer, _: Random) -> Written:
    name = re.sub(r"\W+", "_", offer.name).strip("_").upper()
    return f"{name}_{offer.term}_{offer.rhythm}"[:75], name.replace("_", " ")


Habit = Callable[[Offer, Random], Written]
HABITS: dict[str, tuple[Habit, str]] = {
    "part number as product id": (mpn_as_identifier, "code"),
    "own short code": (own_code, "short"),
    "vendor prefix": (vendor_prefix, "name"),
    "plain description": (plain_description, "name"),
    "abbreviations": (abbreviations, "short"),
    "price list": (price_list, "code"),
    "term in words": (term_in_words, "name"),
    "term left out": (term_left_out, "name"),
    "old name": (old_name, "old"),
    "capitals": (capitals, "name"),
}
"""The ten habits by name, with the class of difficulty of each."""

TERMLESS = "term left out"


def _in_words(offer: Offer, random: Random) -> str:
    at = random.randrange(3)
    return f"{_LENGTHS[offer.term][at].capitalize()}, {_PAID[offer.billing][random.randrange(3)]}"


def _compact_terms(offer: Offer) -> str:
    length = {"P1M": "1mo", "P1Y": "1yr", "P3Y": "3yr"}[offer.term]
    return f"{length}/{'mo' if offer.billing == 'P1M' else 'yr'}"
