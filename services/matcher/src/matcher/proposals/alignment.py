"""Lays the words of two names side by side: what they share, and what each has that the other lacks."""

# Invariant: every word of both names is either shared or left over, and what is left over decides more than
# what is shared: "Smith" is common to "Smith Plumbing" and "Smith Painting", and so two firms are told apart.
# A word is shared with its equal, with a misspelling of itself, with its short form, with the words it joins,
# or with the words whose initials it is:
#
#   contoso plumbng supply · contoso plumbing  → shared contoso, plumbng~plumbing  left over: supply
#   smith plumbing · smith painting            → shared smith  left over: plumbing | painting

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import OSA

from matcher.proposals.stems import KNOWN_STEMS

_SHORT_FORM_LIKENESS = 0.8
_INITIAL_LIKENESS = 0.6
_JOINED_LIKENESS = 0.95
_INITIALS_LIKENESS = 0.7
_SLIPS_FROM = (4, 8)
"""From so many letters on a word may have one slip, and two."""
_LEAST_SHORT_FORM, _LONGEST_SHORT_FORM = 3, 0.8
"""Letters of a short form at least, and as a share of the word at most."""
_LEAST_INITIALS, _MOST_INITIALS = 2, 6


@dataclass(slots=True)
class Alignment:
    """Which words two names share, and how alike; and which each has alone."""

    shared: list[tuple[str, str, float]]
    """Word of the one, word of the other, likeness between 0 and 1."""
    left: list[str]
    right: list[str]
    by_initials: bool = False


def align(left: Sequence[str], right: Sequence[str]) -> Alignment:
    """Returns what the two names share; words count as often as they occur in both."""
    if left == right:
        return Alignment([(word, word, 1.0) for word in left], [], [])
    others = list(right)
    shared, alone = list[tuple[str, str, float]](), list[str]()
    for word in left:
        if word in others:
            others.remove(word)
            shared.append((word, word, 1.0))
        else:
            alone.append(word)
    found = Alignment(shared, alone, others)
    if alone and others:
        _share_joined(found)
        _share_like(found)
        _share_initials(found)
    return found


def _share_joined(found: Alignment) -> None:
    """Moves "dental care" beside "dentalcare", whichever of the two names joins them."""
    if not found.left or not found.right:
        return
    whole_left, whole_right = "".join(found.left), "".join(found.right)
    if whole_left == whole_right:
        found.shared.append((whole_left, whole_right, _JOINED_LIKENESS))
        found.left, found.right = [], []
        return
    for words, joined in ((found.left, found.right), (found.right, found.left)):
        for at in range(len(words) - 1):
            pair = "".join(words[at : at + 2])
            if pair in joined:
                del words[at : at + 2]
                joined.remove(pair)
                found.shared.append((pair, pair, _JOINED_LIKENESS))
                break


def _share_like(found: Alignment) -> None:
    alike = [
        (like, one, other) for one in found.left for other in found.right if (like := likeness(one, other))
    ]
    for like, one, other in sorted(alike, reverse=True):
        if one in found.left and other in found.right:
            found.left.remove(one)
            found.right.remove(other)
            found.shared.append((one, other, like))


def _share_initials(found: Alignment) -> None:
    for short, long in ((found.left, found.right), (found.right, found.left)):
        initials = "".join(word[0] for word in long)
        for word in short:
            if (
                _LEAST_INITIALS <= len(word) <= _MOST_INITIALS
                and len(long) >= _LEAST_INITIALS
                and word == initials
            ):
                found.shared.append((word, " ".join(long), _INITIALS_LIKENESS))
                short.remove(word)
                long.clear()
                found.by_initials = True
                return


@lru_cache(maxsize=500_000)
def likeness(one: str, other: str) -> float:
    """Returns how surely one word is the other misspelt or shortened: 0 when it is another word."""
    if not one.isalpha() or not other.isalpha():
        return 0.0  # "plan1" is no misspelt "plan2"
    if one in KNOWN_STEMS and other in KNOWN_STEMS:
        return 0.0  # nor is "northern" a misspelt "southern", or "painting" a misspelt "printing"
    short, long = sorted((one, other), key=len)
    if len(short) == 1:
        return _INITIAL_LIKENESS if long[0] == short else 0.0
    allowed = bisect_right(_SLIPS_FROM, len(long))
    distance = OSA.distance(one, other, score_cutoff=allowed) if allowed else allowed + 1
    if distance <= allowed:
        return 1 - distance / len(long)
    return _SHORT_FORM_LIKENESS if _shortens(short, long) else 0.0


def _shortens(short: str, long: str) -> bool:
    """Whether `short` is `long` cut off, or with letters left out, as in "mgmt"."""
    if len(short) < _LEAST_SHORT_FORM or short[0] != long[0] or len(short) > _LONGEST_SHORT_FORM * len(long):
        return False
    if long.startswith(short):
        return True
    rest = iter(long)
    vowels = sum(sign in "aeiou" for sign in short[1:])
    return vowels <= len(short) / 3 and all(sign in rest for sign in short)
