"""Compares the vendor service and the PSA product of a candidate pair: the numbers that the model weighs."""

# Invariant: as for accounts (`account_features.py`), a feature lies between 0 and 1, means one thing, and
# what one of the two does not say leaves it at 0. A product that says no term may stand for all terms;
# one that says another term is another product:
#
#   Business Premium, 1 year · M365-BP-1Y     words_equal 1, term_equal 1
#   Business Premium, 1 year · M365-BP-1M     words_equal 1, term_differs 1
#   Business Premium, 1 year · M365-BS-1Y     edition_both 1: premium | standard

from dataclasses import dataclass

from rapidfuzz import fuzz

from matcher.proposals.alignment import Alignment, align
from matcher.proposals.product_words import EDITION_WORDS
from matcher.proposals.rarity import Rarity
from matcher.proposals.services import ServiceTexts

SERVICE_FEATURES = (
    *("words_equal", "cosine", "ratio", "covered_vendor", "covered_psa", "shared_weight", "rarest_shared"),
    *("misspelt", "by_initials", "other_vendor", "other_psa", "other_both", "edition_vendor", "edition_psa"),
    *("edition_both", "code_equal", "code_contained", "base_equal", "part_number_differs", "vendor_equal"),
    *("vendor_differs", "term_equal", "term_differs", "term_unsaid", "billing_equal", "billing_differs"),
    *("billing_unsaid", "no_words"),
)
"""The names of the features in the order of a row."""
_MICROSOFT = "cfq7ttc0"
_BASE = 12
_LEAST_CODE = 4
_CODE_LIKENESS = 0.9
_INITIALS_LIKENESS = 0.8
"""How much a word counts that only the Product ID confirms."""


@dataclass(frozen=True, slots=True)
class ServicePair:
    """A service and a product beside each other."""

    vendor: ServiceTexts
    psa: ServiceTexts
    words: Alignment
    cosine: float


def pair_services(vendor: ServiceTexts, psa: ServiceTexts, cosine: float) -> ServicePair:
    words = align(vendor.words, psa.words)
    _share_initials(words, vendor, psa)
    in_code = psa.code_words.union(*(vendor.initials.get(word, ()) for word in psa.code_words))
    confirmed = [word for word in words.left if word in in_code]
    words.left = [word for word in words.left if word not in in_code]
    words.right = [word for word in words.right if word not in vendor.vendors]
    words.shared += [(word, word, _CODE_LIKENESS) for word in confirmed]
    return ServicePair(vendor, psa, words, cosine)


def _share_initials(words: Alignment, vendor: ServiceTexts, psa: ServiceTexts) -> None:
    """Moves "vdp" beside "data platform" of Veeam, whichever side writes the initials."""
    for long, short, service in ((words.left, words.right, vendor), (words.right, words.left, psa)):
        for initials in [word for word in short if word in service.initials]:
            meant = service.initials[initials]
            if any(word in long for word in meant):
                words.shared += [(word, initials, _INITIALS_LIKENESS) for word in meant if word in long]
                long[:] = [word for word in long if word not in meant]
                short.remove(initials)
                words.by_initials = True


def service_features(pair: ServicePair, rarity: Rarity) -> dict[str, float]:
    """Returns the features that are not 0, by name."""
    found = {**_of_words(pair, rarity), **_of_codes(pair), **_of_periods(pair)}
    return {name: value for name, value in found.items() if value}


def _of_words(pair: ServicePair, rarity: Rarity) -> dict[str, float]:
    words = pair.words
    shared = sum(rarity(a) * like for a, _, like in words.shared)
    left, right = (sum(map(rarity, alone)) for alone in (words.left, words.right))
    others = [
        max((rarity(word) for word in alone if not _is_edition(word)), default=0.0)
        for alone in (words.left, words.right)
    ]
    editions = [any(_is_edition(word) for word in alone) for alone in (words.left, words.right)]
    return {
        "words_equal": bool(words.shared) and not words.left and not words.right,
        "cosine": pair.cosine,
        "ratio": fuzz.ratio(pair.vendor.text, pair.psa.text) / 100,
        "covered_vendor": shared / (shared + left + 1e-9),
        "covered_psa": shared / (shared + right + 1e-9),
        "shared_weight": min(1.0, shared / 3),
        "rarest_shared": max((rarity(a) * like for a, _, like in words.shared), default=0.0),
        "misspelt": min(1.0, sum(1 - like for _, _, like in words.shared)),
        "by_initials": words.by_initials,
        "other_vendor": others[0],
        "other_psa": others[1],
        "other_both": min(others),
        "edition_vendor": editions[0] and not editions[1],
        "edition_psa": editions[1] and not editions[0],
        "edition_both": all(editions),
        "no_words": not pair.psa.words,
        "vendor_equal": bool(pair.vendor.vendors & pair.psa.vendors),
        "vendor_differs": bool(pair.vendor.vendors and pair.psa.vendors)
        and not pair.vendor.vendors & pair.psa.vendors,
    }


def _is_edition(word: str) -> bool:
    return word in EDITION_WORDS or not word.isalpha()


def _of_codes(pair: ServicePair) -> dict[str, float]:
    ours, theirs = pair.vendor.codes, pair.psa.codes
    long = {code for code in ours if len(code) >= _LEAST_CODE}
    bases = [{code[:_BASE] for code in codes if code.startswith(_MICROSOFT)} for codes in (ours, theirs)]
    equal = bool(long & theirs)
    contained = any(code in other for code in long for other in theirs)
    base = bool(bases[0] & bases[1])
    return {
        "code_equal": equal,
        "code_contained": contained and not equal,
        "base_equal": base and not contained,
        "part_number_differs": bool(bases[0] and bases[1]) and not base,
    }


def _of_periods(pair: ServicePair) -> dict[str, float]:
    found = dict[str, float]()
    for name in ("term", "billing"):
        ours, theirs = getattr(pair.vendor, name), getattr(pair.psa, name)
        if ours:
            found[f"{name}_{'unsaid' if not theirs else 'equal' if ours == theirs else 'differs'}"] = 1.0
    return found
