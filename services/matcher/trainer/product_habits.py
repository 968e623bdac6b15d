"""Writes an offer as an MSP writes it into its PSA: one function for each habit."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from trainer.vocabulary import FORMER_PRODUCTS, SHORT_PRODUCTS


@dataclass(frozen=True)
class SoldProduct:
    """A product in one term and billing period."""

    vendor: str
    name: str
    mpn: str
    term: str
    billing: str


Text = tuple[str, str]
"""Product ID and description."""

_TERMS = {
    "1 month": ("1M", "P1M", "monthly", "Month to Month", "1 month", "MTM"),
    "1 year": ("1Y", "P1Y", "annual", "1 Year", "yearly", "12 months", "Ann"),
    "3 years": ("3Y", "P3Y", "3 Year", "36 months", "triennial"),
}
_BILLED = {"1 month": ("M", "P1M", "monthly", "Mth"), "1 year": ("Y", "P1Y", "annual", "A")}


def short(name: str, rng: Random) -> str:
    for long, forms in SHORT_PRODUCTS.items():
        if long in name and rng.random() < 0.75:
            name = name.replace(long, rng.choice(forms))
    return name.removeprefix("Microsoft ")


def former(name: str) -> str:
    for new, old in FORMER_PRODUCTS.items():
        if new in name:
            return name.replace(new, old)
    return name


def periods(offer: SoldProduct, rng: Random) -> str:
    term, billed = rng.choice(_TERMS[offer.term]), rng.choice(_BILLED[offer.billing])
    words = {"1 month": "monthly", "1 year": "annually"}[offer.billing]
    return rng.choice(
        (
            f"{term}/{billed}",
            f"{term} {billed}",
            f"{term} term, billed {words}",
            f"{term} commitment, {words} billing",
            f"({term}, paid {words})",
        )
    )


def own_code(offer: SoldProduct, rng: Random, *, ends: bool) -> str:
    words = short(offer.name, rng).replace("(", "").replace(")", "").replace("+", "").split()
    code = "-".join(word[:4].upper() if len(words) < 4 else word[:3].upper() for word in words)
    return (
        f"{code}-{rng.choice(_TERMS[offer.term][:2])}-{rng.choice(_BILLED[offer.billing][:1])}"
        if ends
        else code
    )


def by_part_number(offer: SoldProduct, rng: Random) -> Text:
    code = offer.mpn.replace(":", rng.choice((":", "-", "", "_")))
    # Whoever has the part number may write anything beside it.
    text = rng.choice((offer.name, offer.name, f"{offer.name.split()[-1]} suite", f"{offer.vendor} licence"))
    return code, f"{text} {periods(offer, rng)}"


def joined_code(offer: SoldProduct, rng: Random) -> Text:
    words = [word for word in offer.name.split() if word[0].isalnum() and word != offer.vendor]
    product = "".join(word[: rng.choice((1, 1, 3))] for word in words)
    code = f"{offer.vendor[:3]}{product}{_TERMS[offer.term][0]}{_BILLED[offer.billing][0]}".upper()
    return code, rng.choice((code, f"{short(offer.name, rng)} {periods(offer, rng)}"))


def by_part_number_and_term(offer: SoldProduct, rng: Random) -> Text:
    term, billed = _TERMS[offer.term][1], _BILLED[offer.billing][0]
    return f"{offer.mpn}_{term}_{billed}", rng.choice(
        (offer.name, short(offer.name, rng), fewer_words(offer.name, rng))
    )


def initialled(offer: SoldProduct, rng: Random) -> Text:
    words = (
        f"{offer.vendor} {offer.name}".replace("+", " ")
        .replace("&", " ")
        .replace("(", "")
        .replace(")", "")
        .split()
    )
    at, length = rng.randrange(max(1, len(words) - 1)), rng.choice((2, 2, 3))
    text = " ".join(
        [*words[:at], "".join(word[0] for word in words[at : at + length]).upper(), *words[at + length :]]
    )
    return own_code(offer, rng, ends=True), f"{text} {periods(offer, rng)}"


def fewer_words(name: str, rng: Random) -> str:
    words = name.split()
    return " ".join(words[:-1]) if len(words) > 2 and rng.random() < 0.3 else name


def cut(offer: SoldProduct, rng: Random) -> Text:
    text = " ".join(
        word[: rng.choice((3, 4, 5))] if len(word) > 6 and rng.random() < 0.5 else word
        for word in offer.name.split()
    )
    return own_code(offer, rng, ends=False), f"{text} {periods(offer, rng)}"


def by_own_code(offer: SoldProduct, rng: Random) -> Text:
    return own_code(offer, rng, ends=True), f"{offer.name} ({rng.choice(_TERMS[offer.term])})"


def in_full(offer: SoldProduct, rng: Random) -> Text:
    return f"SKU{rng.randrange(1000, 9999)}", f"{offer.vendor} {offer.name} - {periods(offer, rng)}"


def abbreviated(offer: SoldProduct, rng: Random) -> Text:
    return own_code(offer, rng, ends=True), f"{short(offer.name, rng)} {periods(offer, rng)}"


def listed(offer: SoldProduct, rng: Random) -> Text:
    return (
        f"NCE-{own_code(offer, rng, ends=True)}",
        f"[NCE] {offer.name} | {periods(offer, rng)} | Commercial",
    )


def termless(offer: SoldProduct, rng: Random) -> Text:
    return own_code(offer, rng, ends=False), rng.choice((offer.name, short(offer.name, rng)))


def by_former_name(offer: SoldProduct, rng: Random) -> Text:
    return f"CL-{rng.randrange(100, 999)}", f"{former(offer.name)} {periods(offer, rng)}"


def in_capitals(offer: SoldProduct, rng: Random) -> Text:
    said = rng.choice(_TERMS[offer.term]), rng.choice(_BILLED[offer.billing])
    text = " ".join((short(offer.name, rng), *said)).upper().replace(" ", "_")
    return text[:30], text


def named_by_vendor(offer: SoldProduct, rng: Random) -> Text:
    billed = offer.billing.replace("1 ", "each ")
    code = f"{offer.vendor[:2].upper()}-{rng.randrange(10_000)}"
    return code, f"{offer.vendor}: {offer.name}, {offer.term} commitment, billed {billed}"


def in_words(offer: SoldProduct, rng: Random) -> Text:
    words = {"1 month": "Monthly", "1 year": "Annual", "3 years": "Three Year"}
    code = f"{own_code(offer, rng, ends=False)}{rng.randrange(10)}"
    return code, f"{offer.name} {words[offer.term]} Commitment {words[offer.billing]} Billing"


def code_alone(offer: SoldProduct, rng: Random) -> Text:
    code = own_code(offer, rng, ends=True)
    return code, code


def without_a_word(offer: SoldProduct, rng: Random) -> Text:
    words = short(offer.name, rng).split()
    if len(words) > 2:
        words.pop(rng.randrange(len(words) - 1))
    return f"{rng.randrange(1000, 9999)}", f"{' '.join(words)} {periods(offer, rng)}"


HABITS: tuple[Callable[[SoldProduct, Random], Text], ...] = (
    *(by_part_number, by_part_number_and_term, by_own_code, in_full, abbreviated, listed, termless),
    *(by_former_name, in_capitals, named_by_vendor, in_words, initialled, cut, code_alone, without_a_word),
    joined_code,
)
