"""Changes of letters and signs that leave the words as they are: case, accents, blanks, damage by encoding.

Every function takes a name, its business and a source of chance, and returns the name as somebody might
have typed it, or None where the name has nothing to change.  None of them loses a word.
"""

import html
import re
import unicodedata
from random import Random

from tests.bench.matching.canonical_name import LOOK_ALIKES
from tests.bench.matching.models import Business

_TRANSCRIBED = {
    "ä": "ae",
    "ö": "oe",
    "ü": "ue",
    "ß": "ss",
    "ø": "oe",
    "å": "aa",
    "æ": "ae",
    "Ä": "Ae",
    "Ö": "Oe",
    "Ü": "Ue",
    "Ø": "Oe",
    "Å": "Aa",
    "Æ": "Ae",
}
_PLAIN = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "Ø": "O", "Æ": "AE", "ı": "i", "ł": "l"})
_BLANKS = ("\u00a0", "  ", "\t", " \u200b", "\u2009")
_EMOJI = ("⭐", "🚫", "✅", "🏥", "🔧", "💼", "❗", "®", "™")
_CONTROL = ("\u0007", "\u200e", "\ufeff", "\r", "\u00ad")


def change_case(name: str, _: Business, random: Random) -> str | None:
    return random.choice((str.upper, str.lower, str.title, str.swapcase))(name)


def change_punctuation(name: str, _: Business, random: Random) -> str | None:
    """Drop the dots, commas, hyphens and apostrophes, or put in some that are not needed."""
    bare = re.sub(r"[.,'’]", "", name).replace("-", " ").replace("/", " ")
    if bare not in ("", name):
        return bare
    words = name.split()
    if len(words) < 2:
        return f"{name}."
    at = random.randrange(1, len(words))
    sign = random.choice((", ", " - ", "/", "-", ". "))
    return " ".join(words[:at]) + sign + " ".join(words[at:])


def change_blanks(name: str, _: Business, random: Random) -> str | None:
    inner = name.replace(" ", random.choice(_BLANKS), random.choice((1, -1)))
    return random.choice((inner, f" {name}", f"{name}  ", f"\t{inner} "))


def drop_accents(name: str, _: Business, __: Random) -> str | None:
    bare = "".join(sign for sign in unicodedata.normalize("NFD", name) if not unicodedata.combining(sign))
    return unicodedata.normalize("NFC", bare).translate(_PLAIN)


def transcribe_accents(name: str, business: Business, random: Random) -> str | None:
    """Write umlauts and Nordic letters with two letters, as in a system without them."""
    written = "".join(_TRANSCRIBED.get(sign, sign) for sign in name)
    return drop_accents(written, business, random) if written != name else None


def decompose_accents(name: str, _: Business, __: Random) -> str | None:
    """Write accents as signs of their own (NFD), as files from some systems have them."""
    return unicodedata.normalize("NFD", name)


def damage_encoding(name: str, _: Business, random: Random) -> str | None:
    """Read UTF-8 as Latin-1, or lose what is not ASCII to a question mark, as imports do."""
    if name.isascii() or any(ord(sign) > 0x2FF for sign in name):
        return None
    return random.choice(
        (name.encode().decode("cp1252", "replace"), name.encode("ascii", "replace").decode())
    )


def escape_entities(name: str, _: Business, __: Random) -> str | None:
    return html.escape(name).replace("&#x27;", "&#39;")


def widen(name: str, _: Business, __: Random) -> str | None:
    """Write ASCII letters in full width, as East Asian keyboards do."""
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in name)


def add_emoji(name: str, _: Business, random: Random) -> str | None:
    sign = random.choice(_EMOJI)
    return random.choice((f"{sign} {name}", f"{name} {sign}", f"{name}{sign}"))


def add_control(name: str, _: Business, random: Random) -> str | None:
    at = random.randrange(len(name) + 1)
    return name[:at] + random.choice(_CONTROL) + name[at:]


def use_look_alikes(name: str, _: Business, random: Random) -> str | None:
    """Replace some Latin letters by Cyrillic ones that look the same; each word keeps a Latin letter."""
    swap = {latin: cyrillic for cyrillic, latin in LOOK_ALIKES.items()}
    return " ".join(_with_one_swapped(word, swap, random) for word in name.split(" "))


def _with_one_swapped(word: str, swap: dict[str, str], random: Random) -> str:
    places = [at for at, sign in enumerate(word) if sign in swap]
    if not places or len(places) >= sum(sign.isascii() and sign.isalpha() for sign in word):
        return word
    at = random.choice(places)
    return word[:at] + swap[word[at]] + word[at + 1 :]
