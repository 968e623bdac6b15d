"""Reads an account's record once: its name and evidence in comparable form, and the keys it is found by."""

import re
from dataclasses import dataclass

from matcher.proposals.names import ParsedName, fold, parse
from matcher.proposals.records import AccountRecord
from shared.contracts.base import Side

_NOT_ALNUM = re.compile(r"[^a-z0-9]")
_LEAST_CODE = 3
_LEAST_INITIALS, _MOST_INITIALS = 2, 6
_SMALL_WORDS = ("and", "the", "of")
"""Words that initials usually leave out."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the engine compares it; what its record does not say is empty."""

    record: AccountRecord
    name: ParsedName
    folded: str
    """The whole name, legal forms included."""
    text: str
    """What trigrams are made of."""
    tax_id: str
    code: str
    domains: frozenset[str]
    domain_labels: frozenset[str]
    """What stands before the first dot of each domain: often the name."""
    town: str
    postcode: str
    country: str


def read_account(record: AccountRecord) -> Account:
    """Returns the account in comparable form; unreadable evidence counts as none."""
    domains = frozenset(
        domain.casefold().removeprefix("www.").rstrip(".") for domain in record.domains if domain
    )
    name = parse(record.name)
    return Account(
        record=record,
        name=name,
        folded=fold(record.name),
        text=" ".join(name.stems),
        tax_id=_bare(record.tax_id),
        code=_bare(record.code),
        domains=domains,
        domain_labels=frozenset(_bare(domain.split(".")[0]) for domain in domains),
        town=" ".join(parse(record.town).stems) if record.town else "",
        postcode=_bare(record.postcode),
        country=(record.country or "").casefold(),
    )


def is_same_tax_id(one: str, other: str) -> bool:
    """Whether one may be the other with a country before it, or with a branch or a tax behind it."""
    shorter, longer = sorted((digits_of(one), digits_of(other)), key=len)
    return longer.startswith(shorter) or longer.endswith(shorter)


def digits_of(tax_id: str) -> str:
    return "".join(character for character in tax_id if character.isdecimal())


def keys_of(account: Account, side: Side) -> list[str]:
    """Returns the keys by which an account is a candidate, whatever the trigrams of its name say."""
    name = account.name
    keys = {f"domain {domain}" for domain in account.domains}
    keys |= {f"tax {digits_of(account.tax_id)}"} if account.tax_id else set()
    keys |= {f"code {account.code}"} if len(account.code) >= _LEAST_CODE else set()
    names = [name, *(parse(alias) for alias in name.aliases)]
    keys |= {f"words {one.sorted_stems}" for one in names if one.stems}
    compact = (*(one.compact for one in names), *account.domain_labels)
    keys |= {f"name {text}" for text in compact if len(text) >= _LEAST_CODE}
    return [*keys, *_initials(name, side)]


def _initials(name: ParsedName, side: Side) -> list[str]:
    """Returns the keys by which initials meet the words they stand for, written on the other side.

    Two names of several words are no candidates because their initials are equal: thousands are.
    """
    short = {name.words[0]} if name.words else set()
    words, main = name.words, [word for word in name.words if word not in _SMALL_WORDS]
    meant = {"".join(word[0] for word in some) for some in (words, main)} if len(words) > 1 else set()
    ours, theirs = (short, meant) if side is Side.VENDOR else (meant, short)
    return [
        f"{key} {text}"
        for key, texts in (("vendor's initials", ours), ("PSA's initials", theirs))
        for text in texts
        if _LEAST_INITIALS <= len(text) <= _MOST_INITIALS
    ]


def _bare(text: str | None) -> str:
    return _NOT_ALNUM.sub("", text.casefold()) if text else ""
