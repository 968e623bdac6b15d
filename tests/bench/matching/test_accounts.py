"""Labelled sets of accounts keep what the measurement rests on."""

from collections import Counter
from itertools import pairwise

import pytest

from tests.bench.matching.accounts import labelled_accounts
from tests.bench.matching.models import LabelledSet
from tests.bench.matching.perturbations import PERTURBATIONS
from tests.bench.matching.resolvability import Judge
from tests.bench.matching.twins import TWINS

SIZE = 800


@pytest.fixture(scope="module", params=[False, True], ids=["with evidence", "names alone"])
def accounts(request: pytest.FixtureRequest) -> LabelledSet:
    return labelled_accounts(SIZE, 3, names_alone=request.param)


def test_a_seed_gives_one_set_and_another_seed_another() -> None:
    assert labelled_accounts(150, 1) == labelled_accounts(150, 1)
    assert labelled_accounts(150, 1) != labelled_accounts(150, 2)


def test_both_lists_have_about_the_size_asked_for(accounts: LabelledSet) -> None:
    assert 0.95 * SIZE <= len(accounts.vendor) <= 1.02 * SIZE
    assert 0.95 * SIZE <= len(accounts.psa) <= 1.02 * SIZE


def test_ids_are_unique_and_each_vendor_item_has_a_label(accounts: LabelledSet) -> None:
    assert len({item["id"] for item in accounts.psa}) == len(accounts.psa)
    assert [item["id"] for item in accounts.vendor] == [*accounts.truth]


def test_every_truth_names_an_item_of_the_psa(accounts: LabelledSet) -> None:
    there = {item["id"] for item in accounts.psa}

    assert all(label.psa_id in there for label in accounts.truth.values() if label.psa_id is not None)
    assert all((label.psa_id is None) == (label.difficulty == "absent") for label in accounts.truth.values())


def test_the_order_of_the_lists_tells_nothing(accounts: LabelledSet) -> None:
    places = {item["id"]: at for at, item in enumerate(accounts.psa)}
    pairs = [places[label.psa_id] for label in accounts.truth.values() if label.psa_id is not None]
    rising = sum(first < second for first, second in pairwise(pairs))

    assert 0.4 < rising / len(pairs) < 0.6


def test_every_item_is_clear_to_a_patient_person(accounts: LabelledSet) -> None:
    judge = Judge(accounts.psa)

    assert all(judge.is_clear(item, accounts.truth[item["id"]].psa_id) for item in accounts.vendor)


def test_a_name_that_is_alone_on_both_sides_belongs_to_its_equal(accounts: LabelledSet) -> None:
    ours, theirs = (Counter(item["name"] for item in items) for items in (accounts.vendor, accounts.psa))
    owner = {item["name"]: item["id"] for item in accounts.psa}

    for item in accounts.vendor:
        if ours[item["name"]] == theirs[item["name"]] == 1:
            assert accounts.truth[item["id"]].psa_id == owner[item["name"]]


def test_about_half_is_typed_the_same_and_a_tenth_has_no_counterpart(accounts: LabelledSet) -> None:
    classes = Counter(label.difficulty for label in accounts.truth.values())

    assert 0.35 <= classes["exact"] / SIZE <= 0.6
    assert 0.05 <= classes["absent"] / SIZE <= 0.15
    wanted = {label.psa_id for label in accounts.truth.values()}
    assert 0.04 <= sum(item["id"] not in wanted for item in accounts.psa) / SIZE <= 0.15


def test_a_set_of_names_alone_has_no_evidence() -> None:
    made = labelled_accounts(200, 5, names_alone=True)

    assert {field for item in made.vendor for field in item} == {"id", "name"}
    assert {field for item in made.psa for field in item} == {"id", "name", "identifier"}


def test_every_kind_of_perturbation_and_of_twin_comes_up() -> None:
    kinds = {label.kind for seed in (1, 2) for label in labelled_accounts(4_000, seed).truth.values()}

    assert {each.kind for each in PERTURBATIONS} - kinds == set()
    assert {f"twin: {name}" for name, *_ in TWINS} - kinds == set()
    assert {"same name", "unknown", "second account", "twin: old name"} <= kinds
