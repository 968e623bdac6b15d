"""Writes a firm's name with slips of the hand: one function for each."""

from random import Random

from trainer.firms import Firm

_KEYBOARD = "qwertyuiopasdfghjklzxcvbnm"


def joined(firm: Firm, rng: Random) -> str:
    words = firm.core.split()
    if len(words) == 1 and len(words[0]) > 6:
        half = len(words[0]) // 2
        return f"{words[0][:half]} {words[0][half:]}"
    at = rng.randrange(max(1, len(words) - 1))
    return (
        "".join(words)
        if rng.random() < 0.5
        else " ".join([*words[:at], "".join(words[at : at + 2]), *words[at + 2 :]])
    )


def _neighbour(sign: str) -> str:
    at = _KEYBOARD.find(sign.lower())
    return _KEYBOARD[at + 1] if 0 <= at < len(_KEYBOARD) - 1 else "e"


def misspelt(firm: Firm, rng: Random) -> str:
    name = firm.name
    for _ in range(rng.choice((1, 1, 2))):
        places = [at for at in range(1, len(name) - 1) if name[at].isalpha() and name[at + 1].isalpha()]
        if not places:
            break
        at, sign = rng.choice(places), rng.choice("abcdeghiklmnoprstuw")
        before, one, after = name[:at], name[at], name[at + 1 :]
        swapped, slipped = f"{before}{after[0]}{one}{after[1:]}", f"{before}{_neighbour(one)}{after}"
        name = rng.choice(
            (swapped, before + after, before + one + one + after, slipped, f"{before}{sign}{one}{after}")
        )
    return name


def truncated(firm: Firm, rng: Random) -> str:
    return firm.name[: max(10, min(len(firm.name) - 3, rng.choice((15, 20, 25, 30))))]


def repeated(firm: Firm, rng: Random) -> str:
    word = rng.choice(firm.core.split())
    return f"{firm.core} {word}" if rng.random() < 0.5 else f"{firm.name} {firm.name}"


def spaced(firm: Firm, rng: Random) -> str:
    return f"  {firm.name.replace(' ', '  ')}\t"
