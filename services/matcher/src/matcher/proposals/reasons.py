"""Says in words why an item is proposed, and what speaks against it."""

# Invariant: a reason states a fact of the two items that the model weighs, and is made of what they say,
# never of weights alone. What weighs most comes first; a fact that several features measure is said once.
#
#   Contoso Dental, contoso.com · Contoso Dental Care LLC, contoso.com
#   → for: same domain contoso.com      against: "care" only in the PSA's name

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from matcher.proposals.alignment import Alignment
from matcher.proposals.model import Weights

Pair = TypeVar("Pair")

MOST_REASONS = 6
_LEAST_WEIGHT = 0.2
"""What weighs less decided nothing."""
_EQUAL = 1.0


@dataclass(frozen=True, slots=True)
class Reason:
    """One fact in words, and whether it speaks for the two being one."""

    kind: str
    """The feature that it explains."""
    words: str
    speaks_for: bool


@dataclass(frozen=True)
class Wording(Generic[Pair]):
    """How the features of one kind of pair are said."""

    sentences: Mapping[str, Callable[[Pair], str]]
    """By feature; what only measures likeness is explained by the features that name words."""
    against: Collection[str]
    """The features that speak against a pair, whatever their weight in company of others."""
    always: Collection[str]
    """The features that name words: said also where others have taken their weight."""


def reasons_of(
    pair: Pair, features: Mapping[str, float], weights: Weights, wording: Wording[Pair]
) -> list[Reason]:
    """Returns what weighed most, for and against, at most six."""
    by_name = dict(zip(weights.names, weights.values, strict=True))
    order = sorted(features, key=lambda name: -abs(by_name[name] * features[name]))
    found = dict[str, Reason]()
    for name in order:
        say = wording.sentences.get(name)
        weighs = name in wording.always or abs(by_name[name] * features[name]) >= _LEAST_WEIGHT
        words = say(pair) if say and weighs else ""
        if words:
            found.setdefault(words, Reason(name, words, name not in wording.against))
    return list(found.values())[:MOST_REASONS]


def say_shared(words: Alignment) -> str:
    """Names the words that both have."""
    same = [f"‘{one}’" for one, other, _ in words.shared if one == other]
    return f"both names have {', '.join(same)}" if same else ""


def say_unlike(words: Alignment) -> str:
    """Names the words that are spelt otherwise on the other side."""
    unlike = [(one, other) for one, other, like in words.shared if like < _EQUAL and one != other]
    return "; ".join(f"‘{one}’ beside ‘{other}’" for one, other in unlike)


def say_left_over(words: Alignment) -> str:
    """Names the words that only one of the two has."""
    if words.left and words.right:
        return f"‘{' '.join(words.left)}’ beside ‘{' '.join(words.right)}’"
    side = "vendor's" if words.left else "PSA's"
    alone = " ".join(words.left or words.right)
    return f"‘{alone}’ only in the {side} name" if alone else ""
