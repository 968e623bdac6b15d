"""The rules of a mapped service: what does not belong together is refused, whoever sends it."""

import pytest
from pydantic import ValidationError

from shared.contracts.mapping_rules import MappingRules, QuantityRule

TEN_UP = {"multiple": "10", "rounding": "up"}


def test_without_rules_a_quantity_stays_as_it_is() -> None:
    assert QuantityRule().model_dump(mode="json") == {
        "factor": "1",
        "included_units": "0",
        "minimum": "0",
        "multiple": None,
        "rounding": "up",
    }


@pytest.mark.parametrize(
    "rule",
    [
        {"factor": "0"},
        {"factor": "-1"},
        {"included_units": "-1"},
        {"minimum": "-0.5"},
        {"multiple": "0"},
        {"rounding": "sideways"},
        {"factor": "NaN"},
        {"factor": "1000000000000"},
    ],
    ids=str,
)
def test_a_quantity_rule_without_sense_is_refused(rule: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        QuantityRule.model_validate(rule)


def test_what_is_included_in_a_bundle_has_no_rule_of_its_own() -> None:
    for other in ({"quantity": TEN_UP}, {"split": [{"psa_id": "p1", "quantity": "8"}]}):
        with pytest.raises(ValidationError, match="adds nothing"):
            MappingRules.model_validate({"included_in": "svc1", **other})


def test_a_product_has_one_part_and_an_account_one_override() -> None:
    with pytest.raises(ValidationError, match="named twice in a split"):
        MappingRules.model_validate({"split": [{"psa_id": "p1", "quantity": "8"}] * 2})
    with pytest.raises(ValidationError, match="named twice among the overrides"):
        MappingRules.model_validate({"overrides": [{"vendor_account_id": "a1", "psa_id": "p1"}] * 2})


def test_rules_name_each_product_that_they_bill_beside_the_mappings_own() -> None:
    rules = MappingRules.model_validate(
        {
            "split": [{"psa_id": "p1", "quantity": "8"}],
            "overrides": [{"vendor_account_id": a, "psa_id": "p2"} for a in ("a1", "a2")],
        }
    )

    assert rules.product_ids == {"p1", "p2"}
