"""Reads a service's or product's record once, and names the keys it is found by."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from matcher.proposals.alignment import likeness
from matcher.proposals.periods import read_period
from matcher.proposals.product_words import EDITION_WORDS, VENDOR_WORDS, WORDS
from matcher.proposals.products import ProductText, bare_code, read_product
from matcher.proposals.records import ServiceRecord
from matcher.proposals.short_codes import (
    ShortCode,
    VendorNames,
    beginnings_of_pairs,
    initials_of_runs,
    read_code,
)
from shared.contracts.base import Side

_LONGEST_SHORT_FORM = 6
"""Letters: a longer word is found by its trigrams."""
_LEAST_WRITTEN = 3
"""Words as they are written, of which initials are taken: of two, the words that tell something do."""
_MICROSOFT_BASE = 12
"""Characters of a Microsoft part number before its edition ("CFQ7TTC0LCHC:0002")."""


@dataclass(frozen=True, slots=True)
class ServiceTexts:
    """A service or product as the engine compares it; what its record does not say is empty."""

    record: ServiceRecord
    words: tuple[str, ...]
    code_words: frozenset[str]
    """What a Product ID says in pieces of words: it may confirm a word; what it leaves out is not lacking."""
    vendors: frozenset[str]
    """The vendors that its texts name."""
    term: str
    billing: str
    initials: Mapping[str, tuple[str, ...]]
    """What may stand in short for a run of its words, the vendor's included, with the words it stands for."""
    codes: frozenset[str]
    """Its part numbers and Product ID, in small letters without separators."""
    text: str
    """What trigrams are made of."""


@dataclass(frozen=True, slots=True)
class VendorLexicon:
    """The vendors of a marketplace: all words of their names, and the names."""

    words: frozenset[str] = VENDOR_WORDS
    names: VendorNames = field(default_factory=VendorNames)


def vendor_lexicon_of(records: Iterable[ServiceRecord]) -> VendorLexicon:
    """Returns the vendors of all services in a list, with those that are known everywhere."""
    names = [read_product(name).words for name in sorted({one.vendor for one in records if one.vendor})]
    words = frozenset(word for name in names for word in name if len(word) > 1)
    return VendorLexicon(VENDOR_WORDS | words, VendorNames(names))


_KNOWN_EVERYWHERE = VendorLexicon()


def read_service(record: ServiceRecord, lexicon: VendorLexicon = _KNOWN_EVERYWHERE) -> ServiceTexts:
    """Returns the service in comparable form; a vendor's item and a PSA's are read alike."""
    name, vendor = read_product(record.name), read_product(record.vendor or "").words
    code = read_product(record.code or "") if record.is_code_text else ProductText(())
    short = read_code(code.words, lexicon.names) if code.words else ShortCode(())
    told = name.words if name.words and name.words != code.words else short.words
    named = [word for word in told if word in lexicon.words]
    words = tuple(word for word in told if word not in lexicon.words)
    if EDITION_WORDS.issuperset(words):  # "LastPass Business": without its vendor it is any business edition
        words = (*short.vendors, *told) if told is short.words else told
    stated = {bare_code(record.code), bare_code(record.part_number)}
    return ServiceTexts(
        record=record,
        words=words,
        code_words=frozenset((*short.words, *short.pieces)),
        vendors=frozenset((*vendor, *named, *short.vendors)),
        term=read_period(record.term) or name.term or code.term or read_period(short.term),
        billing=read_period(record.billing_period)
        or name.billing
        or code.billing
        or read_period(short.billing),
        initials=_short_forms(
            tuple(dict.fromkeys((*vendor, *told))), name.tokens, words, is_sold=not record.is_code_text
        ),
        codes=frozenset((stated | name.part_numbers | code.part_numbers) - {""}),
        text=" ".join(words),
    )


@lru_cache(maxsize=20_000)  # a product stands in a list once for each term
def _short_forms(
    told: tuple[str, ...], tokens: tuple[str, ...], words: tuple[str, ...], *, is_sold: bool
) -> dict[str, tuple[str, ...]]:
    """Returns what may stand in short for words side by side; words that say nothing have initials too.

    What a marketplace sells is shortened in more ways: it is the PSA that people write short codes in.
    """
    as_written = {
        short: tuple(dict.fromkeys(word for token in run if (word := WORDS.get(token, token)) in words))
        for short, run in initials_of_runs(tokens, least=_LEAST_WRITTEN).items()
    }
    found = {short: run for short, run in as_written.items() if run}
    return (beginnings_of_pairs(told) if is_sold else {}) | found | initials_of_runs(told)


def service_keys(service: ServiceTexts, side: Side, meant: Mapping[str, Sequence[str]]) -> list[str]:
    """Returns the keys by which a service is a candidate, whatever the trigrams of its name say.

    `meant` are the words of the other side that a word of this one may be short for.
    """
    bases = {code[:_MICROSOFT_BASE] for code in service.codes if len(code) >= _MICROSOFT_BASE}
    words = {word for word in (*service.words, *service.code_words) if len(word) > 1}
    words |= {other for word in words for other in meant.get(word, ())}
    # What is short on one side is looked for among the words of the other, never among its short forms.
    ours, theirs = ("vendor", "psa") if side is Side.VENDOR else ("psa", "vendor")
    return [
        *(f"code {code}" for code in service.codes),
        *(f"base {base}" for base in bases),
        f"words {' '.join(sorted(service.words))}",
        *(f"word {word}" for word in words),
        *(f"{ours} word {word}" for word in words),
        *(f"{theirs} word {short}" for short in service.initials),
    ]


def short_for(words: Iterable[str], vocabulary: Iterable[str]) -> dict[str, list[str]]:
    """Returns, for each word that is not in the vocabulary, those of it that it may be a short form of."""
    by_letter = defaultdict[str, list[str]](list)
    known = {*vocabulary}
    for word in sorted(known):
        by_letter[word[:1]].append(word)
    shorts = {word for word in words if 1 < len(word) <= _LONGEST_SHORT_FORM} - known
    return {
        short: [word for word in by_letter[short[0]] if likeness(short, word)] for short in sorted(shorts)
    }
