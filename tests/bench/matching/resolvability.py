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
from math import log
from typing import Any

from tests.bench.matching.canonical_name import initials, read_words, squashed
from tests.bench.matching.models import Record

_OFTEN = 150
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


class Judge:
    def __init__(self, psa: Sequence[Record]) -> None:
        self._items = {item["id"]: item for item in psa}
        self._by_word: defaultdict[str, set[str]] = defaultdict(set)
        self._by_key: defaultdict[tuple[str, Any], set[str]] = defaultdict(set)
        self._domains = Counter(domain for item in psa for domain in item.get("domains", ()))
        for item in psa:
            for word in read_words(item["name"]):
                self._by_word[word].add(item["id"])
            for key in _keys(item):
                self._by_key[key].add(item["id"])

    def is_clear(self, vendor: Record, psa_id: str | None) -> bool:
        if psa_id is None:
            return not any(self._could_be(vendor, rival) for rival in self._candidates(vendor))
        true = self._compare(vendor, psa_id)
        if max(true.covered, true.alike) < _RECOGNISED and not true.initials and true.evidence < _STRONG:
            return False
        rivals = self._candidates(vendor) - {psa_id}
        return not any(_as_good(self._compare(vendor, rival), true) for rival in rivals)

    def _could_be(self, vendor: Record, rival: str) -> bool:
        like = self._compare(vendor, rival)
        if like.evidence <= _CONTRADICTED:
            return False
        return like.same_words or like.evidence >= _STRONG or (like.covered > 0.95 and like.alike > 0.8)

    def _candidates(self, vendor: Record) -> set[str]:
        found: set[str] = set()
        words = sorted({*read_words(vendor["name"])}, key=lambda word: len(self._by_word.get(word, ())))
        for word in words:
            if len(items := self._by_word.get(word, set())) <= _OFTEN:
                found |= items
        if len(words) > 1:
            found |= self._by_word.get(words[0], set()) & self._by_word.get(words[1], set())
        for key in _keys(vendor):
            if len(items := self._by_key.get(key, set())) <= _OFTEN:
                found |= items
        return found

    def _compare(self, vendor: Record, psa_id: str) -> _Likeness:
        item = self._items[psa_id]
        ours, theirs = frozenset(read_words(vendor["name"])), frozenset(read_words(item["name"]))
        mine, other = squashed(vendor["name"]), squashed(item["name"])
        by_words = self._shares(ours, theirs)
        by_letters = _letter_shares(mine, other)
        return _Likeness(
            same_words=ours == theirs,
            covered=max(by_words[0], by_letters[0]),
            alike=max(by_words[1], by_letters[1]),
            evidence=self._evidence(vendor, item),
            initials=_are_initials(vendor["name"], item["name"]),
        )

    def _shares(self, ours: frozenset[str], theirs: frozenset[str]) -> tuple[float, float]:
        weights = {word: log(2 + len(self._items) / (1 + len(self._by_word.get(word, ())))) for word in ours | theirs}
        common, whole = sum(weights[word] for word in ours & theirs), sum(weights[word] for word in ours)
        both = whole + sum(weights[word] for word in theirs)
        return (common / whole if whole else 0, 2 * common / both if both else 0)

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


def _keys(item: Record) -> set[tuple[str, Any]]:
    """Return what leads from an item to others beside its words."""
    name = item["name"]
    keys: set[tuple[str, Any]] = {("start", squashed(name)[:5]), ("end", squashed(name)[-6:])}
    keys |= {("letters", initials(name)), ("letters", squashed(name))}
    keys |= {("domain", domain) for domain in item.get("domains", ())}
    keys |= {("tax", _digits(item)), ("code", item.get("externalId") or item.get("identifier"))}
    return {key for key in keys if key[1]}


def _are_initials(first: str, second: str) -> bool:
    pairs = ((squashed(first), initials(second)), (squashed(second), initials(first)))
    return any(len(short) >= 3 and short == letters for short, letters in pairs)


def _letter_shares(ours: str, theirs: str) -> tuple[float, float]:
    mine, other = _trigrams(ours), _trigrams(theirs)
    common = len(mine & other)
    return (common / max(1, len(mine)), 2 * common / max(1, len(mine) + len(other)))


def _trigrams(text: str) -> set[str]:
    return {text[at : at + 3] for at in range(len(text) - 2)} or {text}


def _digits(item: Record) -> str:
    return "".join(sign for sign in item.get("taxId", "") if sign.isalnum())


def _bare(text: str) -> str:
    return text.replace(" ", "").casefold()
