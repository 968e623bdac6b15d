"""What each kind of perturbation makes of a name."""

from random import Random

import pytest

from tests.bench.matching import additions, disguises, letters, typos, word_changes
from tests.bench.matching.canonical_name import read_words
from tests.bench.matching.models import Business
from tests.bench.matching.perturbations import PERTURBATIONS, Change, perturb

SMITH = Business(
    core="The First Smith & Jones Plumbing Services",
    form="Ltd",
    country="GB",
    town="Leeds",
    postcode="LS1 1AA",
    domain="smithjones.co.uk",
    tax_id="GB1",
    trade="Plumbing",
    generic="Services",
)
MUELLER = Business(
    core="Jürgen Müller Elektrotechnik",
    form="GmbH",
    country="DE",
    town="Köln",
    postcode="50667",
    domain="mueller.de",
    tax_id="DE1",
    trade="Elektrotechnik",
)
ITO = Business(
    core="Iwata Long Engineering",
    form="",
    country="US",
    town="Reno",
    postcode="1",
    domain="i.com",
    tax_id="",
    trade="Engineering",
)
SEVER = Business(
    core="Север Строй",
    form="ООО",
    country="RU",
    town="",
    postcode="1",
    domain="s.ru",
    tax_id="",
    latin="Sever Stroy",
)


@pytest.mark.parametrize(
    ("change", "business", "expected"),
    [
        (letters.drop_accents, MUELLER, {"Jurgen Muller Elektrotechnik GmbH"}),
        (letters.transcribe_accents, MUELLER, {"Juergen Mueller Elektrotechnik GmbH"}),
        (
            letters.damage_encoding,
            MUELLER,
            {"JÃ¼rgen MÃ¼ller Elektrotechnik GmbH", "J?rgen M?ller Elektrotechnik GmbH"},
        ),
        (letters.escape_entities, SMITH, {"The First Smith &amp; Jones Plumbing Services Ltd"}),
        (word_changes.rewrite_form, SMITH, {f"{SMITH.core} Ltd.", f"{SMITH.core} Limited"}),
        (word_changes.drop_form, SMITH, {SMITH.core}),
        (word_changes.move_form, MUELLER, {"GmbH Jürgen Müller Elektrotechnik"}),
        (word_changes.drop_generic, SMITH, {"The First Smith & Jones Plumbing Ltd"}),
        (word_changes.rewrite_number, SMITH, {SMITH.name.replace("First", "1st")}),
        (
            word_changes.shorten_first_name,
            MUELLER,
            {"J Müller Elektrotechnik GmbH", "J. Müller Elektrotechnik GmbH"},
        ),
        (
            word_changes.split_word,
            MUELLER,
            {f"Jürgen Müller Elektro{end} GmbH" for end in (" Technik", "-Technik")},
        ),
        (disguises.make_initials, ITO, {"ILE", "I.L.E."}),
        (disguises.use_identifier, SMITH, {"TheFirstSmithJonesPlumbingServices"}),
        (disguises.drop_trade, MUELLER, {"Jürgen Müller"}),
        (disguises.transliterate, SEVER, {"Sever Stroy"}),
        (additions.add_title, MUELLER, {f"Fa. {MUELLER.name}", f"Firma {MUELLER.name}"}),
    ],
)
def test_a_name_is_changed_as_people_change_it(
    change: Change, business: Business, expected: set[str]
) -> None:
    made = {change(business.name, business, Random(seed)) for seed in range(40)}

    assert made
    assert made <= expected


@pytest.mark.parametrize(
    "change", [typos.swap_letters, typos.drop_letter, typos.double_letter, typos.hit_neighbour]
)
def test_a_slip_hits_no_more_than_two_letters_inside_a_long_word(change: Change) -> None:
    for seed in range(50):
        made = change(SMITH.name, SMITH, Random(seed)) or SMITH.name

        assert abs(len(made) - len(SMITH.name)) <= 1
        assert made.endswith(" Ltd")
        assert made.startswith("The F")


@pytest.mark.parametrize("kind", PERTURBATIONS, ids=lambda kind: kind.kind)
def test_each_kind_changes_some_name_and_leaves_none_without_words(kind: object) -> None:
    change = next(each.change for each in PERTURBATIONS if each is kind)
    made = [
        changed
        for business in (SMITH, MUELLER, ITO, SEVER)
        for seed in range(30)
        if (changed := change(business.name, business, Random(seed)))
    ]

    assert {*made} - {SMITH.name, MUELLER.name, ITO.name, SEVER.name}
    assert all(read_words(name) for name in made)


def test_the_same_chance_gives_the_same_change() -> None:
    assert perturb(SMITH, "medium", Random(3)) == perturb(SMITH, "medium", Random(3))
