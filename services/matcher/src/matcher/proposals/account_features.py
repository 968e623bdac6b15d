"""Compares the vendor account and the PSA account of a candidate pair: the numbers that the model weighs."""

# Invariant: a feature is a pure function of the two accounts and of how rare their words are; it lies between
# 0 and 1 and means one thing, so that its weight can be read. What one of the two does not say (no domain, no
# town) leaves the features of it at 0: unknown speaks neither for nor against.
#
#   Smith Plumbing · Smith Painting        covered_less 0.4, other_both 0.38: plumbing | painting
#   Contoso Dental · Contoso Dental LLC    equal_core 1, form_one 1

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import JaroWinkler

from matcher.proposals.accounts import Account, is_same_tax_id
from matcher.proposals.alignment import Alignment, align
from matcher.proposals.names import ParsedName, parse
from matcher.proposals.rarity import Rarity
from matcher.proposals.stems import stem
from matcher.proposals.words import BRANCH_WORDS, DEPARTMENT_WORDS, KINSHIP_WORDS, NOISE_WORDS

FEATURES = (
    *(
        "equal_text",
        "equal_core",
        "equal_words",
        "alias_equal",
        "cosine",
        "ratio",
        "sorted_ratio",
        "covered_less",
    ),
    *("covered_more", "shared_weight", "rarest_shared", "first_equal", "misspelt", "by_initials", "one_word"),
    *("other_vendor", "other_psa", "other_both", "other_alike", "number_one", "number_both", "code_one"),
    *("branch_one", "branch_both", "kinship_one", "kinship_both", "department_one", "place_named"),
    *("form_equal", "form_one", "form_differs", "tax_equal", "tax_differs", "domain_equal", "domain_differs"),
    *("domain_named", "code_equal", "code_named", "code_differs", "postcode_equal", "postcode_differs"),
    *("town_equal", "town_differs", "country_equal", "country_differs", "only_evidence", "nothing_left"),
)
"""The names of the features in the order of a row."""
_LEAST_CODE = 4
"""Shorter codes and domains are like many a name."""
_CODE_FIGURES = 3
"""From so many figures on a number is a customer's number and not a part of the name."""


class WordKind(StrEnum):
    """What a word says that only one of two names has."""

    OTHER = "other"
    NUMBER = "number"
    CODE = "code"
    BRANCH = "branch"
    KINSHIP = "kinship"
    DEPARTMENT = "department"
    NOISE = "noise"


_WORDS = {
    WordKind.KINSHIP: KINSHIP_WORDS,
    WordKind.DEPARTMENT: DEPARTMENT_WORDS,
    WordKind.BRANCH: BRANCH_WORDS,
    WordKind.NOISE: NOISE_WORDS,
}
_KINDS = {stem(word): kind for kind, words in _WORDS.items() for word in words}


@lru_cache(maxsize=200_000)
def kind_of(word: str) -> WordKind:
    """Returns what a left-over word says; of a word on two lists the weaker."""
    figures = sum(sign.isdigit() for sign in word)
    if figures >= _CODE_FIGURES:
        return WordKind.CODE
    return WordKind.NUMBER if figures else _KINDS.get(word, WordKind.OTHER)


@dataclass(frozen=True, slots=True)
class AccountPair:
    """Two accounts beside each other, and the two of their names that are most alike."""

    vendor: Account
    psa: Account
    vendor_name: ParsedName
    psa_name: ParsedName
    words: Alignment
    cosine: float

    @property
    def written(self) -> Alignment:
        """The words as the two names write them, instead of their stems."""
        ours, theirs = (
            dict(zip(name.stems, name.words, strict=True)) for name in (self.vendor_name, self.psa_name)
        )
        return Alignment(
            [(_write(one, ours), _write(other, theirs), like) for one, other, like in self.words.shared],
            [_write(word, ours) for word in self.words.left],
            [_write(word, theirs) for word in self.words.right],
            self.words.by_initials,
        )


def _write(stems: str, words: dict[str, str]) -> str:
    return " ".join(words.get(one, one) for one in stems.split())


def pair_accounts(vendor: Account, psa: Account, cosine: float) -> AccountPair:
    one, other = vendor.name, psa.name
    if one.aliases or other.aliases:
        names = [(a, b) for a in _names_of(one) for b in _names_of(other)]
        one, other = max(names, key=lambda names: fuzz.ratio(names[0].compact, names[1].compact))
    return AccountPair(vendor, psa, one, other, align(one.stems, other.stems), cosine)


def _names_of(name: ParsedName) -> list[ParsedName]:
    return [name, *(parse(alias) for alias in name.aliases)]


_TELLING = (
    *("other_vendor", "other_psa", "number_one", "number_both", "branch_one", "branch_both"),
    *("kinship_one", "kinship_both"),
)
"""What is left over that may tell two firms apart."""


def account_features(pair: AccountPair, rarity: Rarity) -> dict[str, float]:
    """Returns the features that are not 0, by name."""
    found = _of_names(pair, rarity)
    if pair.words.left or pair.words.right:
        found |= _of_left_over(pair, rarity)
    found |= _of_evidence(pair)
    found["nothing_left"] = bool(pair.words.shared) and not any(found.get(name) for name in _TELLING)
    found["only_evidence"] = not pair.words.shared and not found["equal_core"]
    return {name: value for name, value in found.items() if value}


def _of_names(pair: AccountPair, rarity: Rarity) -> dict[str, float]:
    one, other, words = pair.vendor_name, pair.psa_name, pair.words
    equal = bool(one.compact) and one.compact == other.compact
    shared = sum(rarity(a) * like for a, _, like in words.shared)
    left, right = (sum(map(rarity, alone)) for alone in (words.left, words.right))
    covered = (shared / (shared + left + 1e-9), shared / (shared + right + 1e-9))
    forms = {form for form in (one.legal, other.legal) if form}
    return {
        "equal_text": pair.vendor.folded == pair.psa.folded,
        "equal_core": equal,
        "equal_words": bool(one.stems) and (equal or (not words.left and not words.right)),
        "alias_equal": equal and (one is not pair.vendor.name or other is not pair.psa.name),
        "cosine": pair.cosine,
        "ratio": fuzz.ratio(one.compact, other.compact) / 100,
        "sorted_ratio": fuzz.ratio(one.sorted_stems, other.sorted_stems) / 100,
        "covered_less": 1.0 if equal else min(covered),
        "covered_more": 1.0 if equal else max(covered),
        "shared_weight": min(1.0, shared / 3),
        "rarest_shared": max((rarity(a) * like for a, _, like in words.shared), default=0.0),
        "first_equal": one.stems[:1] == other.stems[:1] and bool(one.stems),
        "misspelt": 0.0 if equal else min(1.0, sum(1 - like for _, _, like in words.shared)),
        "by_initials": words.by_initials,
        "one_word": min(len(one.stems), len(other.stems)) <= 1,
        "form_equal": len(forms) == 1 and one.legal == other.legal,
        "form_one": len(forms) == 1 and one.legal != other.legal,
        "form_differs": len(forms) > 1 and not set(one.legal.split()) & set(other.legal.split()),
    }


_ONE_OR_BOTH = {
    kind: (f"{kind}_one", f"{kind}_both") for kind in (WordKind.NUMBER, WordKind.BRANCH, WordKind.KINSHIP)
}


def _of_left_over(pair: AccountPair, rarity: Rarity) -> dict[str, float]:
    ours, theirs = _by_kind(pair.words.left), _by_kind(pair.words.right)
    found = dict[str, float]()
    for kind, (one, both) in _ONE_OR_BOTH.items():
        found[both], found[one] = kind in ours and kind in theirs, (kind in ours) is not (kind in theirs)
    found["code_one"] = WordKind.CODE in ours or WordKind.CODE in theirs
    found["department_one"] = WordKind.DEPARTMENT in ours or WordKind.DEPARTMENT in theirs
    left, right = ours.get(WordKind.OTHER, ()), theirs.get(WordKind.OTHER, ())
    vendor, psa = (max(map(rarity, words), default=0.0) for words in (left, right))
    return found | {
        "other_vendor": vendor,
        "other_psa": psa,
        "other_both": min(vendor, psa),
        "other_alike": max((JaroWinkler.similarity(a, b) for a in left for b in right), default=0.0),
        "place_named": _names_town(pair),
    }


def _by_kind(words: Iterable[str]) -> dict[WordKind, list[str]]:
    found = dict[WordKind, list[str]]()
    for word in words:
        found.setdefault(kind_of(word), []).append(word)
    return found


def _names_town(pair: AccountPair) -> bool:
    """Whether a left-over word is the town of the two; not when their towns differ."""
    ours, theirs = pair.vendor.town, pair.psa.town
    if not (ours or theirs) or (ours and theirs and ours != theirs):
        return False
    town = (ours or theirs).split()
    return any(word in town for word in (*pair.words.left, *pair.words.right))


_FACTS = {field: (f"{field}_equal", f"{field}_differs") for field in ("code", "postcode", "town", "country")}


def _of_evidence(pair: AccountPair) -> dict[str, float]:
    one, other = pair.vendor, pair.psa
    found = dict[str, float]()
    for field, (equal, differs) in _FACTS.items():
        ours, theirs = getattr(one, field), getattr(other, field)
        if ours and theirs:
            found[equal if ours == theirs else differs] = 1.0
    if one.tax_id and other.tax_id:
        found["tax_equal" if is_same_tax_id(one.tax_id, other.tax_id) else "tax_differs"] = 1.0
    if one.domains and other.domains:
        found["domain_equal" if one.domains & other.domains else "domain_differs"] = 1.0
    found["domain_named"] = _is_label(other.name.compact, one) or _is_label(one.name.compact, other)
    begins = len(other.code) >= _LEAST_CODE and one.name.compact.startswith(other.code)
    found["code_named"] = begins and bool(pair.words.shared)
    return found


def _is_label(compact: str, account: Account) -> bool:
    return len(compact) >= _LEAST_CODE and compact in account.domain_labels
