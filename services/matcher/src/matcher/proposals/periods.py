"""Reads the commitment term and the billing period out of a product's name."""

# Invariant: what is said of periods is taken out of the text whole, so that no part of it is left as a
# word of the name. Whoever names one period only names the term; of two, the one beside a word of
# billing, or else the second, is how often it is billed:
#
#   "E3 annual, billed monthly"   term 1 year, billed 1 month   rest "E3"
#   "E3 P1Y-M"                    term 1 year, billed 1 month   rest "E3"
#   "E3 monthly"                  term 1 month                  rest "E3"

import re
from dataclasses import dataclass

from anyascii import anyascii

YEAR, MONTH, THREE_YEARS = "1 year", "1 month", "3 years"
_CUT = " ; "
_YEAR_WORDS = r"annual(?:ly)?|ann|yearly|year|upfront|p1y|1y|a|y|yr"
_MONTH_WORDS = r"month(?:ly)?|mthly|mth|mo|p1m|1m|m"
_BILLING_WORDS = r"bill(?:ed|ing)?|paid|pay(?:ments?|able|s)?|invoic(?:ed?|ing)|prepaid"
_BILLED_PERIOD = re.compile(
    rf"\b(?:{_BILLING_WORDS}|upfront)\s*:?\s*(?:(?P<year>{_YEAR_WORDS})|(?P<month>{_MONTH_WORDS}))\b"
)
_PERIOD_BILLED = re.compile(
    r"\b(?:(?P<year>annual(?:ly)?|ann|yearly|upfront|p1y|1y)|(?P<month>month(?:ly)?|mthly|p1m|1m))"
    rf"\s*(?:{_BILLING_WORDS})\b"
)
_EACH = re.compile(r"\b(?:each|every|per)\s+(?:(?P<year>year)|(?P<month>month))\b")
_CODED = re.compile(
    r"\b(?:p?(?P<count>[13])\s?(?P<unit>y|m)(?:r|o|th)?|ann(?:ual)?|(?P<monthly>mth)|(?P<triennial>tri))"
    rf"\s?[-_/ ]\s?(?:(?P<year>{_YEAR_WORDS})|(?P<month>{_MONTH_WORDS}))\b"
)
"""A term and a billing period as one code: "P1Y-M", "1yr/mo", "ANN_MTH"."""
_LAST_BILLED = re.compile(r";[\s/_-]*(?:(?P<year>y|a|ann|yr)|(?P<month>m|mth|mo))\s*$")
"""What is left behind a term: how often it is billed."""
_TERMS = (
    (
        re.compile(
            r"\b(?:p?3\s?-?y(?:r|rs|ear|ears)?|36\s?-?m(?:o|th|onths?)?|p36m|triennial|three years?"
            r"|3 annees|3 jahre)\b"
        ),
        THREE_YEARS,
    ),
    (
        re.compile(
            r"\b(?:p?1\s?-?y(?:r|ear)?|12\s?-?m(?:o|th|onths?)?|p12m|one year|ann(?:ual)?(?:ly)?|yearly|yr"
            r"|jahrlich|jaehrlich|1 jahr|jahr|annuel)\b"
        ),
        YEAR,
    ),
    (
        re.compile(
            r"\b(?:month to month|p?1\s?-?m(?:o|th|onth)?|month(?:ly)?|mthly|mtm|m2m|mth|monatlich|monat"
            r"|mensuel|flex|mo|mly)\b"
        ),
        MONTH,
    ),
)
_TERM_WORDS = re.compile(rf"\b(?:term|commit(?:ment|ted)?|contract|{_BILLING_WORDS})\b")


@dataclass(frozen=True, slots=True)
class Periods:
    """What a text says of periods; empty where it says nothing."""

    term: str
    billing: str
    rest: str
    """The text without it."""


def read_periods(folded: str) -> Periods:
    """Reads a product's text in small Latin letters."""
    if coded := _CODED.search(folded):
        return Periods(_coded_term(coded), _period(coded), _without(folded, coded))
    billing, rest = "", folded
    for pattern in (_EACH, _BILLED_PERIOD, _PERIOD_BILLED):
        if match := pattern.search(folded):
            billing, rest = _period(match), _without(folded, match)
            break
    found = [(period, pattern) for pattern, period in _TERMS if pattern.search(rest)]
    if not found:
        return Periods("", billing, rest)
    for _, pattern in found:
        rest = pattern.sub(_CUT, rest)
    if not billing and len(found) > 1:
        billing = found[1][0]
    elif not billing and (last := _LAST_BILLED.search(rest)):
        billing, rest = _period(last), rest[: last.start()]
    return Periods(found[0][0], billing, _TERM_WORDS.sub(" ", rest))


def read_period(text: str | None) -> str:
    """Returns a period of the marketplace or of ISO 8601 in the words used here; empty when it is none."""
    folded = anyascii(text or "").casefold()
    return next((period for pattern, period in _TERMS if pattern.search(folded)), "")


def _without(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]}{_CUT}{text[match.end() :]}"


def _period(match: re.Match[str]) -> str:
    return MONTH if match["month"] else YEAR


def _coded_term(match: re.Match[str]) -> str:
    if match["monthly"] or match["unit"] == "m":
        return MONTH
    return THREE_YEARS if match["triennial"] or match["count"] == "3" else YEAR
