"""Labelled sets of services keep what the measurement rests on."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from tests.bench.matching.habits import HABITS, Offer
from tests.bench.matching.models import LabelledSet
from tests.bench.matching.services import labelled_services


@pytest.fixture(scope="module")
def services() -> LabelledSet:
    return labelled_services(600, 2_000, seed=3)


def test_a_seed_gives_one_set_and_another_seed_another() -> None:
    assert labelled_services(60, 200, 1) == labelled_services(60, 200, 1)
    assert labelled_services(60, 200, 1) != labelled_services(60, 200, 2)


def test_the_lists_have_the_sizes_asked_for(services: LabelledSet) -> None:
    assert (len(services.vendor), len(services.psa)) == (600, 2_000)


def test_a_service_belongs_to_a_product_of_its_own_tenant(services: LabelledSet) -> None:
    tenants = {item["id"]: item["tenant"] for item in services.psa}

    for item in services.vendor:
        if (psa_id := services.truth[item["id"]].psa_id) is not None:
            assert tenants[psa_id] == item["tenant"]


def test_no_two_products_of_a_tenant_are_written_alike(services: LabelledSet) -> None:
    written = Counter((item["tenant"], item["identifier"]) for item in services.psa)

    assert max(written.values()) == 1


def test_a_tenant_sells_no_service_twice(services: LabelledSet) -> None:
    fields = ("tenant", "name", "subscriptionPeriod", "billingPeriod")
    sold = Counter(tuple(item[field] for field in fields) for item in services.vendor)

    assert max(sold.values()) == 1


def test_terms_belong_to_one_product_only_where_the_tenant_leaves_the_term_out(services: LabelledSet) -> None:
    shared = Counter(label.psa_id for label in services.truth.values() if label.psa_id)

    for label in services.truth.values():
        if label.psa_id and shared[label.psa_id] > 1:
            assert label.kind == "term left out"


def test_all_ten_habits_come_up_and_some_services_have_no_counterpart(services: LabelledSet) -> None:
    kinds = Counter(label.kind for label in services.truth.values())

    assert {*HABITS} <= {*kinds}
    assert all(kinds[name] >= 10 for name in HABITS)
    assert 0.05 <= (kinds["not in the catalogue"] + kinds["other terms only"]) / 600 <= 0.2


@pytest.mark.parametrize("habit", [habit for name, (habit, _) in HABITS.items() if name != "term left out"])
def test_a_habit_tells_the_terms_apart(habit: object) -> None:
    write = next(each for each, _ in HABITS.values() if each is habit)
    offer = Offer(
        "Microsoft", "Visio Plan 2", "VIS-P2", ("Visio P2",), ("Visio Online",), "CFQ7", "P1Y", "P1M"
    )
    terms = [("P1M", "P1M"), ("P1Y", "P1M"), ("P1Y", "P1Y"), ("P3Y", "P1M"), ("P3Y", "P1Y")]
    written = [write(replace(offer, term=term, billing=paid), Random(1)) for term, paid in terms]

    assert len({*written}) == len(terms)
