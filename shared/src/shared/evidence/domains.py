"""Reads the domains of e-mail addresses and websites: the domain alone, never an address of a person."""

# Invariant: one domain has one form, whoever wrote it: lower case, ASCII (IDNA 2008 with the mapping of
# UTS 46, so "Ä" and "ä" are one), without `www.`, port, path and final dot. What many companies share, and
# what is no name in the public tree, says nothing of a company and is left out:
#
#   robin.reyes@Contoso.com                contoso.com
#   https://www.contoso.com:443/about      contoso.com
#   www.bäckerei.example                   xn--bckerei-5wa.example
#   robin@gmail.com, facebook.com/contoso, 10.0.0.1, contoso.local, "n/a"    nothing

import re
from collections.abc import Iterable
from typing import Any, Final

import idna

from shared.contracts.evidence_fields import is_domain
from shared.evidence.shared_hosts import is_shared_host
from shared.limits import record_hit
from shared.limits.messages import EVIDENCE_ITEMS

_MOST_CHARACTERS: Final = 2_000
"""Longer texts are no address and no website; more than any browser takes."""
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE | re.ASCII)
_MAILTO: Final = re.compile(r"mailto:", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"[\s,;|]+")
_HOST_END: Final = re.compile(r"[/?#\\]")
_PORT: Final = re.compile(r":\d*$", re.ASCII)
_PRIVATE: Final = (".local", ".localdomain", ".lan", ".internal", ".intranet", ".home.arpa", ".invalid")
"""Ends of names that are used inside one network, where everybody has the same ones."""


def domains_of(values: Iterable[Any]) -> tuple[str, ...]:
    """Returns the distinct domains of texts that hold e-mail addresses or websites, sorted."""
    found = {domain for value in values for domain in _domains_in(value)}
    if len(found) > EVIDENCE_ITEMS.most:
        record_hit(EVIDENCE_ITEMS)
    return tuple(sorted(found)[: EVIDENCE_ITEMS.most])


def _domains_in(value: Any) -> Iterable[str]:
    """Yields the domains of one text; people write several websites into one field."""
    if isinstance(value, str) and len(value) <= _MOST_CHARACTERS:
        for word in _BETWEEN.split(value):
            if "." in word and (domain := _domain_of(word)):
                yield domain


def _domain_of(word: str) -> str | None:
    authority = _HOST_END.split(_SCHEME.sub("", _MAILTO.sub("", word, count=1), count=1), maxsplit=1)[0]
    # Behind the last @: before it stand a person's name, or a user and a password.
    host = _PORT.sub("", authority.rpartition("@")[2].strip("<>()[]\"'")).rstrip(".").lower()
    name = _ascii(host).removeprefix("www.")
    return name if is_domain(name) and not name.endswith(_PRIVATE) and not is_shared_host(name) else None


def _ascii(host: str) -> str:
    """Returns the name as it travels; an empty text for what is none."""
    if host.isascii():  # nearly every one: the encoding takes fifty times as long
        return host
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except (UnicodeError, ValueError):  # `IDNAError` is a `UnicodeError`
        return ""
