"""Rules of a mapped service on its lines: overrides, bundles, quantity rules and splits, case by case."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from observation_builders import (
    VENDOR,
    a_line,
    a_listed_subscription,
    a_mapping,
    a_subscription,
    an_agreement_line,
)
from usage_builders import an_account, the_line, the_lines

from billing.usage.usage_line import CountStatus, UsageLine
from shared.contracts.base import NoNumber
from shared.contracts.billing import LineClass
from shared.contracts.mapping_rules import MappingRules
from shared.contracts.matcher import MappingDecided

UP_TO_TENS = {"quantity": {"included_units": "5", "multiple": "10"}}
SPLIT = {"split": [{"psa_id": "prod2", "quantity": "8"}, {"psa_id": "prod3", "quantity": "4"}]}
BETA = {"overrides": [{"vendor_account_id": "beta", "psa_id": "prod2"}]}


def ruled(rules: dict[str, Any], service: str = "svc1", product: str = "prod1") -> MappingDecided:
    return a_mapping("service", service, product, rules=MappingRules.model_validate(rules))


def by_product(lines: Sequence[UsageLine]) -> dict[str | None, Decimal | None]:
    return {line.psa_product_id: line.vendor_count.number for line in lines}


def two_accounts() -> dict[str, Any]:
    return {"accounts": [an_account("acme"), an_account("beta")]}


def test_a_quantity_rule_makes_the_sum_of_all_that_the_company_bought_and_says_how() -> None:
    bought = a_subscription(12), a_subscription(3, id_="s2", account="beta")

    line = the_line(*bought, an_agreement_line(10), services=[ruled(UP_TO_TENS)], **two_accounts())

    assert (line.vendor_count.number, line.line_class) == (Decimal(10), LineClass.IN_STEP)
    assert line.calculation == ("svc1: 12 + 3 − 5 included, rounded up to a multiple of 10 = 10",)


def test_without_rules_nothing_is_said() -> None:
    assert the_line(a_subscription(5), an_agreement_line(5)).calculation == ()


@pytest.mark.parametrize(
    ("bought", "first", "second", "rest"), [(5, 5, 0, 0), (8, 8, 0, 0), (10, 8, 2, 0), (15, 8, 4, 3)]
)
def test_a_split_fills_its_parts_in_order_and_the_rest_is_the_mappings_own(
    bought: int, first: int, second: int, rest: int
) -> None:
    lines = the_lines(a_subscription(bought), services=[ruled(SPLIT)])

    assert by_product(lines) == {"prod2": first, "prod3": second, "prod1": rest}


def test_a_split_divides_what_a_quantity_rule_makes() -> None:
    lines = the_lines(a_subscription(14), services=[ruled(UP_TO_TENS | SPLIT)])

    assert by_product(lines) == {"prod2": 8, "prod3": 2, "prod1": 0}


def test_an_override_bills_one_account_as_another_product_by_no_rule_but_its_own() -> None:
    bought = a_subscription(12), a_subscription(3, id_="s2", account="beta")
    rules = UP_TO_TENS | {
        "overrides": [{"vendor_account_id": "beta", "psa_id": "prod2", "quantity": {"factor": "2"}}]
    }

    lines = the_lines(*bought, services=[ruled(rules)], **two_accounts())

    assert by_product(lines) == {"prod1": 10, "prod2": 6}


def test_a_line_of_an_override_rests_on_its_account_alone() -> None:
    bought = a_listed_subscription(), a_subscription(3, id_="s2", account="beta"), an_agreement_line(5)

    lines = {one.psa_product_id: one for one in the_lines(*bought, services=[ruled(BETA)], **two_accounts())}

    assert lines["prod2"].vendor_count.number == 3
    assert lines["prod1"].vendor_count.missing is NoNumber.UNREAD


def test_the_product_of_an_override_is_no_product_of_other_companies() -> None:
    billed = an_agreement_line(4, id_="add2", product_id="prod2")

    assert by_product(the_lines(a_subscription(5), billed, services=[ruled(BETA)])) == {"prod1": 5}


def test_what_is_billed_as_something_else_altogether_leaves_a_zero_that_was_read() -> None:
    override = {"overrides": [{"vendor_account_id": "acme", "psa_id": "prod2"}]}

    lines = {
        one.psa_product_id: one
        for one in the_lines(a_subscription(5), an_agreement_line(5), services=[ruled(override)])
    }

    assert lines["prod1"].vendor_count.number == 0
    assert lines["prod1"].money.amount is not None
    assert lines["prod2"].vendor_count.number == 5


def in_bundle(source_product: str | None = "prod1") -> list[MappingDecided]:
    source = [a_mapping("service", "svc1", source_product)] if source_product else []
    return [*source, ruled({"included_in": "svc1"}, "svc2")]


def test_a_service_in_a_bundle_is_shown_and_adds_nothing() -> None:
    bought = a_subscription(5), a_subscription(4, id_="s2", service="svc2")

    line = the_line(*bought, an_agreement_line(5), services=in_bundle())

    assert (line.vendor_count.number, line.line_class) == (Decimal(5), LineClass.IN_STEP)
    shown = {item.service_id: item.standing for item in line.evidence.items}
    assert shown == {"svc1": CountStatus.COUNTING, "svc2": CountStatus.INCLUDED}
    assert line.calculation == ("svc2: included in svc1, and adds nothing",)


def test_a_service_in_a_bundle_without_a_number_leaves_the_number_of_its_source() -> None:
    bought = a_subscription(5), a_subscription(lines=(a_line(None, service="svc2"),), id_="s2")

    assert the_line(*bought, an_agreement_line(5), services=in_bundle()).vendor_count.number == 5


@pytest.mark.parametrize("source", [None, "prod9"])
def test_a_bundle_whose_source_is_not_mapped_to_its_product_has_no_verdict(source: str | None) -> None:
    bought = a_subscription(4, id_="s2", service="svc2")

    line = the_line(bought, an_agreement_line(5), services=in_bundle(source))

    assert (line.vendor_count.number, line.vendor_count.missing) == (None, NoNumber.UNQUANTIFIED)
    assert line.line_class is LineClass.NO_VERDICT
    assert "svc2 is included in svc1, which is not mapped to this product" in str(line.vendor_count.detail)


def test_what_has_no_number_has_none_by_a_rule_and_the_known_part_is_by_the_rule() -> None:
    bought = a_subscription(12), a_subscription(lines=(a_line(None),), id_="s2")

    line = the_line(*bought, an_agreement_line(10), services=[ruled(UP_TO_TENS)])

    assert (line.vendor_count.number, line.vendor_count.missing) == (None, NoNumber.UNQUANTIFIED)
    assert line.vendor_count.known_part == 10
    assert line.calculation == ("svc1: so far 12 − 5 included, rounded up to a multiple of 10 = 10",)


def test_what_was_only_listed_may_be_of_any_part_of_a_split() -> None:
    lines = the_lines(a_subscription(20), a_listed_subscription(id_="s9"), services=[ruled(SPLIT)])

    assert {line.vendor_count.missing for line in lines} == {NoNumber.UNREAD}
    assert {line.psa_product_id: line.vendor_count.known_part for line in lines} == {
        "prod2": 8,
        "prod3": 4,
        "prod1": 8,
    }


def test_services_of_one_product_are_counted_by_their_own_rules_and_added() -> None:
    bought = a_subscription(12), a_subscription(4, id_="s2", service="svc2")
    services = [ruled({"quantity": {"multiple": "10"}}), ruled({"quantity": {"factor": "2"}}, "svc2")]

    assert the_line(*bought, services=services).vendor_count.number == 28


def test_a_part_of_a_split_is_worth_the_vendors_price_of_its_seats() -> None:
    bought = a_subscription(lines=(a_line(10, unit_price=Decimal("1.5"), currency="USD"),))

    lines = {one.psa_product_id: one.money for one in the_lines(bought, services=[ruled(SPLIT)])}

    assert (lines["prod2"].amount, lines["prod2"].currency) == (Decimal(12), "USD")
    assert lines["prod3"].amount == Decimal(3)


def test_what_a_rule_makes_has_no_vendor_price() -> None:
    bought = a_subscription(lines=(a_line(12, unit_price=Decimal("1.5"), currency="USD"),))

    money = the_line(bought, services=[ruled(UP_TO_TENS)]).money

    assert (money.amount, money.unknown_because) == (
        None,
        "by its rules no vendor price is that of a billed unit",
    )


def test_other_rules_are_another_seal() -> None:
    plain = the_line(a_subscription(10), an_agreement_line(10), services=[ruled({})])
    tens = MappingRules.model_validate({"quantity": {"multiple": "10"}})
    same_number = a_mapping("service", "svc1", "prod1", revision=2, rules=tens)

    by_rule = the_line(a_subscription(10), an_agreement_line(10), services=[same_number])

    assert by_rule.vendor_count == plain.vendor_count
    assert by_rule.seal != plain.seal


def test_the_vendor_of_an_override_is_the_one_whose_service_it_is() -> None:
    other = an_account("beta", integration_id="int_other", vendor_integration_id="int_other")
    bought = a_subscription(5), a_subscription(3, id_="s2", account="beta", integration_id="int_other")

    lines = the_lines(*bought, services=[ruled(BETA)], accounts=[an_account("acme"), other])

    assert ("prod2", VENDOR) not in [(one.psa_product_id, one.vendor_integration_id) for one in lines]
    assert by_product([one for one in lines if one.psa_product_id])["prod1"] == 5
