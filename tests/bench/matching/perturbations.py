"""The kinds of perturbation, with the class of difficulty and the share of each."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.bench.matching import additions, disguises, letters, typos, word_changes
from tests.bench.matching.models import Business

Change = Callable[[str, Business, Random], str | None]


@dataclass(frozen=True, slots=True)
class Perturbation:
    kind: str
    difficulty: str
    change: Change
    weight: float = 1.0
    needs_evidence: bool = False
    """Whether nobody could resolve it by the name alone."""


_LIGHT = (
    (letters.change_case, 3), (letters.change_punctuation, 3), (letters.change_blanks, 2),
    (letters.drop_accents, 3),
    (letters.transcribe_accents, 6), (letters.decompose_accents, 3), (letters.add_emoji, 0.5),
    (letters.escape_entities, 4), (letters.widen, 0.2), (letters.add_control, 0.5),
    (word_changes.rewrite_form, 4),
    (word_changes.drop_form, 5), (word_changes.add_form, 4), (word_changes.rewrite_and, 7),
    (word_changes.change_article, 2.5), (word_changes.change_plural, 1.5), (disguises.move_native_form, 30),
)  # fmt: skip
_MEDIUM = (
    (word_changes.change_order, 1.5), (word_changes.abbreviate, 8), (word_changes.rewrite_number, 10),
    (word_changes.change_form, 1.5), (word_changes.translate_form, 1), (word_changes.move_form, 1),
    (word_changes.join_words, 1.5), (word_changes.split_word, 4), (word_changes.drop_generic, 8),
    (word_changes.add_generic, 3), (word_changes.repeat_word, 0.3), (word_changes.shorten_first_name, 10),
    (typos.swap_letters, 1), (typos.drop_letter, 1), (typos.double_letter, 1), (typos.hit_neighbour, 1),
    (typos.cut_off, 2.5), (additions.put_code_before, 1.5), (additions.put_code_behind, 1.5),
    (additions.add_note, 2),
    (additions.add_place, 2), (additions.add_country, 1), (additions.add_department, 1),
    (additions.add_title, 3),
    (letters.damage_encoding, 3), (letters.use_look_alikes, 0.3),
)  # fmt: skip
_HARD = (
    (disguises.make_initials, 1.2), (disguises.shorten_tail, 1), (disguises.use_domain, 1),
    (disguises.use_identifier, 1),
    (disguises.drop_trade, 1.5), (disguises.transliterate, 1.2), (typos.make_two_slips, 1),
    (typos.shorten_words, 1),
    (additions.add_trading_name, 1.7), (additions.add_former_name, 1.2),
)  # fmt: skip
_BY_EVIDENCE = ((disguises.rename, 0.8),)


def _kind(change: Change) -> str:
    return change.__name__.replace("_", " ")


PERTURBATIONS: tuple[Perturbation, ...] = (
    *(Perturbation(_kind(change), "light", change, weight) for change, weight in _LIGHT),
    *(Perturbation(_kind(change), "medium", change, weight) for change, weight in _MEDIUM),
    *(Perturbation(_kind(change), "hard", change, weight) for change, weight in _HARD),
    *(
        Perturbation(_kind(change), "hard", change, weight, needs_evidence=True)
        for change, weight in _BY_EVIDENCE
    ),
)

SHARES = {"exact": 0.50, "light": 0.25, "medium": 0.16, "hard": 0.09}
"""How many of the pairs without a twin are of each class: about half of life is typed the same."""


def perturb(business: Business, difficulty: str, random: Random) -> tuple[str, Perturbation] | None:
    """Return the name in a changed spelling, and the kind; one in six is lightly changed as well.

    None after some kinds in vain, for a name of one plain word has little to change, and for a class that
    changes nothing.
    """
    kinds = [kind for kind in PERTURBATIONS if kind.difficulty == difficulty]
    for _ in range(12 if kinds else 0):
        kind = random.choices(kinds, [each.weight for each in kinds])[0]
        changed = kind.change(business.name, business, random)
        if changed and random.random() < 1 / 6 and difficulty != "light":
            light = random.choice(_LIGHT[:3])[0]
            changed = light(changed, business, random) or changed
        if changed and changed != business.name:
            return changed, kind
    return None
