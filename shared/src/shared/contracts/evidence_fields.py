"""The types that evidence has in messages: what helps to recognise a thing, and decides nothing by itself."""

# Invariant: no message is refused, and nothing set aside, for mere evidence: what is not in the form that
# these types have is left out. And no address of a person gets through, whoever forgot to take it away: a
# domain has no @, and a text with one is no evidence.
#
#   domains   contoso.com, robin@fabrikam.com, 7          → contoso.com
#   town      "London" / "London\x1b" / 5,000 letters     → "London" / None / None
#   tax id    "GB123456789" / "GB 123 4567 89"            → as it is / None: `shared.evidence` reads it

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from shared.limits import Limit, record_hit
from shared.limits import messages as limits
from shared.plain_text import is_plain

_DOMAIN: Final = re.compile(
    r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])", re.ASCII
).fullmatch
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII).fullmatch
_TAX_ID: Final = re.compile(r"[A-Z0-9]{4,30}", re.ASCII).fullmatch


def is_domain(text: str) -> bool:
    """Tells whether the text is a name of two labels or more, as it travels: lower-case ASCII."""
    return _DOMAIN(text) is not None


def plain_evidence(value: Any, limit: Limit = limits.EVIDENCE_CHARACTERS) -> str | None:
    """Returns a text that is short enough, can be shown and holds no address of a person; else None."""
    if not isinstance(value, str) or not value or "@" in value or not is_plain(value):
        return None
    if len(value) > limit.most:
        record_hit(limit)
        return None
    return value


def _description(value: Any) -> str | None:
    return plain_evidence(value, limits.DESCRIPTION_CHARACTERS)


def _matching(pattern: Callable[[str], object]) -> BeforeValidator:
    return BeforeValidator(lambda value: value if isinstance(value, str) and pattern(value) else None)


def _domains(value: Any) -> tuple[str, ...]:
    return _first(text for text in _items(value) if isinstance(text, str) and is_domain(text))


def _words(value: Any) -> tuple[str, ...]:
    return _first(word for item in _items(value) if (word := plain_evidence(item)))


def _items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _first(texts: Iterator[str]) -> tuple[str, ...]:
    """Returns each text once, the first ones where there are too many."""
    limit, distinct = limits.EVIDENCE_ITEMS, tuple(dict.fromkeys(texts))
    if len(distinct) > limit.most:
        record_hit(limit)
    return distinct[: limit.most]


EvidenceText = Annotated[str | None, BeforeValidator(plain_evidence)]
"""A word by which people recognise the thing: a town, a vendor, a category."""
Description = Annotated[str | None, BeforeValidator(_description)]
"""What a product is, in a few sentences of its provider."""
TaxId = Annotated[str | None, _matching(_TAX_ID)]
"""The number under which a company pays tax: only capital letters and digits, so that equals are equal."""
CountryCode = Annotated[str | None, _matching(_COUNTRY)]
"""ISO 3166-1 alpha-2."""
Domains = Annotated[tuple[str, ...], BeforeValidator(_domains)]
"""Domains of the company itself, never an address: lower-case ASCII (punycode), without `www.`, sorted."""
EvidenceWords = Annotated[tuple[str, ...], BeforeValidator(_words)]
"""Several words by which people recognise the thing, sorted."""
