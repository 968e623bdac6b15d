"""Slips of the keyboard, and names cut off by a field that is too short."""

from random import Random

from tests.bench.matching.models import Business

_NEIGHBOURS = {
    "a": "qsz", "b": "vgn", "c": "xdv", "d": "sfe", "e": "wrd", "f": "dgr",
    "g": "fht", "h": "gjy", "i": "uok",
    "j": "hku", "k": "jli", "l": "kop", "m": "nj", "n": "bmh", "o": "ipl", "p": "ol", "q": "wa", "r": "etf",
    "s": "adw", "t": "ryg", "u": "yij", "v": "cbf", "w": "qes", "x": "zcs", "y": "tuh", "z": "xa",
}  # fmt: skip
_FIELD_LENGTHS = (20, 25, 30, 35)
"""What older systems keep of a name."""


def swap_letters(name: str, business: Business, random: Random) -> str | None:
    if (at := _place(name, business, random)) is None:
        return None
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :]


def drop_letter(name: str, business: Business, random: Random) -> str | None:
    at = _place(name, business, random)
    return None if at is None else name[:at] + name[at + 1 :]


def double_letter(name: str, business: Business, random: Random) -> str | None:
    at = _place(name, business, random)
    return None if at is None else name[:at] + name[at] + name[at:]


def hit_neighbour(name: str, business: Business, random: Random) -> str | None:
    at = _place(name, business, random)
    if at is None or name[at].lower() not in _NEIGHBOURS:
        return None
    return name[:at] + random.choice(_NEIGHBOURS[name[at].lower()]) + name[at + 1 :]


def make_two_slips(name: str, business: Business, random: Random) -> str | None:
    slips = (swap_letters, drop_letter, double_letter, hit_neighbour)
    once = random.choice(slips)(name, business, random)
    return random.choice(slips)(once, business, random) if once and len(name) >= 12 else None


def cut_off(name: str, _: Business, random: Random) -> str | None:
    """Keep what fits into the field; at least two words, so that something can be recognised."""
    kept = name[: random.choice(_FIELD_LENGTHS)].rstrip()
    return kept if len(kept) < len(name) and " " in kept else None


def shorten_words(name: str, business: Business, random: Random) -> str | None:
    """Cut a long word to its beginning: Smith Plumb."""
    words = name.split()
    places = [
        at
        for at, word in enumerate(words)
        if at and len(word) > 6 and word.isalpha() and word in business.core
    ]
    if not places:
        return None
    at = random.choice(places)
    words[at] = words[at][: random.choice((4, 5))] + random.choice(("", "."))
    return " ".join(words)


def _place(name: str, business: Business, random: Random) -> int | None:
    """Return a place inside a word of five letters and more, never its first or last letter."""
    words = [word for word in business.core.split() if len(word) >= 5 and word.isalpha() and word in name]
    if not words:
        return None
    word = random.choice(words)
    return name.index(word) + random.randrange(1, len(word) - 2)
