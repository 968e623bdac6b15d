"""The weights that are shipped, and how they are fitted."""

from random import Random

import pytest

from matcher.proposals.account_features import FEATURES
from matcher.proposals.model import RANK_FEATURES, load_model
from matcher.proposals.service_features import SERVICE_FEATURES
from trainer.account_sets import make_account_set
from trainer.service_sets import make_service_set


@pytest.mark.parametrize(("kind", "features"), [("accounts", FEATURES), ("services", SERVICE_FEATURES)])
def test_every_feature_has_a_weight(kind: str, features: tuple[str, ...]) -> None:
    model = load_model(kind)
    assert model.pair.names == features
    assert model.rank.names == RANK_FEATURES


def test_evidence_against_a_pair_weighs_against_it() -> None:
    for kind, against in (
        ("accounts", ("tax_differs", "country_differs", "domain_differs", "other_both", "branch_both")),
        ("services", ("term_differs", "billing_differs", "edition_both", "part_number_differs")),
    ):
        weights = dict(zip(load_model(kind).pair.names, load_model(kind).pair.values, strict=True))
        assert all(weights[name] < 0 for name in against), kind


def test_the_same_seed_makes_the_same_lists() -> None:
    assert make_account_set(50, Random(7)) == make_account_set(50, Random(7))
    assert make_service_set(Random(7)) == make_service_set(Random(7))


def test_every_true_counterpart_is_in_the_list() -> None:
    lists = make_account_set(200, Random(3))
    assert {meant for meant in lists.truth.values() if meant} <= {one.id for one in lists.psa}
    assert lists.truth.keys() == {one.id for one in lists.vendor}
