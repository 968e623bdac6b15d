"""Reads a service's or product's record once, and names the keys it is found by."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from matcher.proposals.periods import read_period
from matcher.proposals.product_words import VENDOR_WORDS
from matcher.proposals.products import ProductText, bare_code, read_product
from matcher.proposals.records import ServiceRecord

_LEAST_INITIALS, _MOST_INITIALS = 2, 5
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
    """The initials of each run of its words, the vendor's included, and the words that they stand for."""
    codes: frozenset[str]
    """Its part numbers and Product ID, in small letters without separators."""
    text: str
    """What trigrams are made of."""


def vendor_words_of(records: Iterable[ServiceRecord]) -> frozenset[str]:
    """Returns the words of the names of all vendors in a list, with those that are known everywhere."""
    names = {record.vendor for record in records if record.vendor}
    return VENDOR_WORDS | {word for name in names for word in read_product(name).words if len(word) > 1}


def read_service(record: ServiceRecord, vendor_words: frozenset[str] = VENDOR_WORDS) -> ServiceTexts:
    """Returns the service in comparable form; a vendor's item and a PSA's are read alike."""
    code = read_product(record.code or "") if record.is_code_text else ProductText(())
    name, vendor = read_product(record.name), read_product(record.vendor or "").words
    told = name.words or code.words
    words = tuple(word for word in told if word not in vendor_words) or told
    stated = {bare_code(record.code), bare_code(record.part_number)}
    return ServiceTexts(
        record=record,
        words=words,
        code_words=frozenset(code.words),
        vendors=frozenset((*vendor, *(word for word in told if word in vendor_words))),
        term=read_period(record.term) or name.term or code.term,
        billing=read_period(record.billing_period) or name.billing or code.billing,
        initials=_initials(tuple(dict.fromkeys((*vendor, *told)))),
        codes=frozenset((stated | name.part_numbers | code.part_numbers) - {""}),
        text=" ".join(words),
    )


def _initials(words: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    runs = [
        words[start:end]
        for start in range(len(words))
        for end in range(start + _LEAST_INITIALS, min(len(words), start + _MOST_INITIALS) + 1)
    ]
    return {"".join(word[0] for word in run): run for run in runs}


def service_keys(service: ServiceTexts) -> list[str]:
    """Returns the keys by which a service is a candidate, whatever the trigrams of its name say."""
    bases = {code[:_MICROSOFT_BASE] for code in service.codes if len(code) >= _MICROSOFT_BASE}
    return [
        *(f"code {code}" for code in service.codes),
        *(f"base {base}" for base in bases),
        f"words {' '.join(sorted(service.words))}",
        *(
            f"word {word}"
            for word in {*service.words, *service.code_words, *service.initials}
            if len(word) > 1
        ),
    ]
