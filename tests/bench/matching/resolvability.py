"""Judges whether the truth about a vendor item is in the data, so that a set asks for nothing impossible.

Invariant: an item is clear only if no other PSA item could be meant as well as the true one.  What counts is
how much of the vendor's words and letters a PSA item covers, initials, and evidence; a rival that covers
about as much and has no less evidence makes the item doubtful.  An item without a counterpart is clear if no
PSA item has all of its words, unless the evidence contradicts.

Example: `Smith` is doubtful beside Smith Plumbing and Smith Painting, and clear with the domain of one.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import log
from typing import Any

from tests.bench.matching.canonical_name import initials, read_words, squashed
from tests.bench.matching.models import Record

_OFTEN = 40
"""A word that more items have than this leads to too many; two such words together are looked up."""
_STRONG = 3.0
_RECOGNISED = 0.45
"""How much of a name must be seen for it to count without strong evidence."""
_CONTRADICTED = -1.5


@dataclass(frozen=True, slots=True)
class _Likeness:
    """How well a PSA item fits a vendor item."""

    same_words: bool
    covered: float
    """How much of the vendor's name the PSA's has, by words or by letters."""
    alike: float
    """How much both have in common, of both."""
    evidence: float
    initials: bool


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the judge sees in a name."""

    words: frozenset[str]
    squashed: str
    initials: str
    trigrams: frozenset[str]


class Judge:
    """Judges vendor items against one list of PSA items."""

    def __init__(self, psa: Sequence[Record]) -> None:
        self._items = {item["id"]: item for item in psa}
        self._by_word: defaultdict[str, set[str]] = defaultdict(set)
        self._by_key: defaultdict[tuple[str, Any], set[str]] = defaultdict(set)
        self._domains = Counter(domain for item in psa for domain in item.get("domains", ()))
        for item in psa:
            for word in _read(item["name"]).words:
                self._by_word[word].add(item["id"])
            for key in _keys(item):
                self._by_key[key].add(item["id"])
        self._weights = {word: log(2 + len(psa) / (1 + len(items))) for word, items in self._by_word.items()}
        self._unseen = log(2 + len(psa))

    def is_clear(self, vendor: Record, psa_id: str | None) -> bool:
        if psa_id is None:
            return not any(self._could_be(vendor, rival) for rival in self._candidates(vendor))
        true = self._compare(vendor, psa_id)
        if max(true.covered, true.alike) < _RECOGNISED and not true.initials and true.evidence < _STRONG:
            return False
        # Beside an item with the same words only others with the same words or with its evidence count.
        near = self._by_keys(vendor) if true.same_words else self._candidates(vendor)
        return not any(_as_good(self._compare(vendor, rival), true) for rival in near - {psa_id})

    def _could_be(self, vendor: Record, rival: str) -> bool:
        like = self._compare(vendor, rival)
        if like.evidence <= _CONTRADICTED:
            return False
        return like.same_words or like.evidence >= _STRONG or (like.covered > 0.95 and like.alike > 0.8)

    def _candidates(self, vendor: Record) -> set[str]:
        found = self._by_keys(vendor)
        words = sorted(_read(vendor["name"]).words, key=lambda word: len(self._by_word.get(word, ())))[:4]
        found.update(
            *(self._by_word.get(word, ()) for word in words if len(self._by_word.get(word, ())) <= _OFTEN)
        )
        for first, second in combinations(words, 2):
            both = self._by_word.get(first, set()) & self._by_word.get(second, set())
            found |= both if len(both) <= 2 * _OFTEN else set()
        return found

    def _by_keys(self, vendor: Record) -> set[str]:
        found: set[str] = set()
        for key in _keys(vendor):
            if len(items := self._by_key.get(key, set())) <= _OFTEN:
                found |= items
        return found

    def _compare(self, vendor: Record, psa_id: str) -> _Likeness:
        item = self._items[psa_id]
        ours, theirs = _read(vendor["name"]), _read(item["name"])
        by_words = self._shares(ours.words, theirs.words)
        common = len(ours.trigrams & theirs.trigrams)
        covered = common / len(ours.trigrams)
        alike = 2 * common / (len(ours.trigrams) + len(theirs.trigrams))
        return _Likeness(
            same_words=ours.words == theirs.words or ours.squashed == theirs.squashed,
            covered=max(by_words[0], covered),
            alike=max(by_words[1], alike),
            evidence=self._evidence(vendor, item),
            initials=_are_initials(ours, theirs) or _are_initials(theirs, ours),
        )

    def _shares(self, ours: frozenset[str], theirs: frozenset[str]) -> tuple[float, float]:
        common, whole, other = (
            sum(self._weights.get(word, self._unseen) for word in words)
            for words in (ours & theirs, ours, theirs)
        )
        return common / whole, 2 * common / (whole + other)

    def _evidence(self, vendor: Record, psa: Record) -> float:
        score = 0.0
        if vendor.get("externalId") == psa["identifier"]:
            score += _STRONG
        if (ours := _digits(vendor)) and (theirs := _digits(psa)):
            score += _STRONG if ours == theirs else -_STRONG
        if (domains := {*vendor.get("domains", ())}) and (others := {*psa.get("domains", ())}):
            unique = all(self._domains[domain] == 1 for domain in domains & others)
            score += (_STRONG if unique else 0.5) if domains & others else -1
        for field, agree, differ in (("postcode", 1.0, -0.5), ("town", 0.5, -1.0), ("country", 0, -2.0)):
            if vendor.get(field) and psa.get(field):
                score += agree if _bare(vendor[field]) == _bare(psa[field]) else differ
        return score


def _as_good(rival: _Likeness, true: _Likeness) -> bool:
    """Tell whether a rival could be meant as well as the true item."""
    if rival.evidence < true.evidence - 0.4:
        return False
    if rival.evidence > true.evidence + 0.9 and rival.covered > 0.4:
        return True
    if true.same_words:
        return rival.same_words
    if rival.same_words or (true.initials and rival.initials):
        return True
    return rival.covered >= true.covered - 0.05 and rival.alike >= true.alike - 0.25


@cache
def _read(name: str) -> _Reading:
    text = squashed(name) or name
    trigrams = frozenset(text[at : at + 3] for at in range(len(text) - 2)) or frozenset({text})
    return _Reading(frozenset(read_words(name)) or frozenset({name}), text, initials(name), trigrams)


def _keys(item: Record) -> set[tuple[str, Any]]:
    """Return what leads from an item to others beside its words."""
    name = _read(item["name"])
    keys: set[tuple[str, Any]] = {
        ("start", name.squashed[:5]),
        ("end", name.squashed[-6:]),
        ("words", name.words),
    }
    keys |= {("letters", name.initials), ("letters", name.squashed)}
    keys |= {("domain", domain) for domain in item.get("domains", ())}
    keys |= {("tax", _digits(item)), ("code", item.get("externalId") or item.get("identifier"))}
    return {key for key in keys if key[1]}


def _are_initials(short: _Reading, whole: _Reading) -> bool:
    return len(short.squashed) >= 3 and short.squashed == whole.initials


def _digits(item: Record) -> str:
    return "".join(sign for sign in item.get("taxId", "") if sign.isalnum())


def _bare(text: str) -> str:
    return text.replace(" ", "").casefold()
