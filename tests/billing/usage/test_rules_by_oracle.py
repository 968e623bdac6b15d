"""Random rules on random purchases of one company, against a calculation that knows the contract alone."""

# The oracle goes from the rules to the products: per service what each account bought, the overrides taken
# out first, then bundle, rule and split. It shares no code with the lines, and calculates in fractions.

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from observation_builders import a_line, a_mapping, a_subscription
from usage_builders import an_account, the_lines

from shared.contracts.mapping_rules import (
    AccountOverride,
    MappingRules,
    QuantityRule,
    Rounding,
    SplitPart,
)

SERVICES, ACCOUNTS, PRODUCTS = ("s1", "s2", "s3"), ("acme", "beta", "coho"), ("p1", "p2", "p3", "p4")
Bought = dict[tuple[str, str], list[int | None]]
"""By account and service, the quantities of the subscriptions; None for one that has none."""

_HALVES = st.integers(1, 30).map(lambda number: Decimal(number) / 2)
QUANTITY_RULES = st.builds(
    QuantityRule,
    factor=_HALVES,
    included_units=st.integers(0, 9).map(Decimal),
    minimum=st.integers(0, 9).map(Decimal),
    multiple=st.none() | _HALVES,
    rounding=st.sampled_from(Rounding),
)


@st.composite
def mappings(draw: Any) -> dict[str, tuple[str, MappingRules]]:
    """Of each service its product and rules; s2 and s3 may be included in s1, if mapped as it is."""
    found: dict[str, tuple[str, MappingRules]] = {}
    for service in SERVICES:
        product = draw(st.sampled_from(PRODUCTS))
        others = [one for one in PRODUCTS if one != product]
        overridden = draw(st.sets(st.sampled_from(ACCOUNTS), max_size=2))
        overrides = tuple(
            AccountOverride(
                vendor_account_id=account,
                psa_id=draw(st.sampled_from(PRODUCTS)),
                quantity=draw(st.none() | QUANTITY_RULES),
            )
            for account in sorted(overridden)
        )
        if service != "s1" and product == found["s1"][0] and draw(st.booleans()):
            found[service] = product, MappingRules(included_in="s1", overrides=overrides)
            continue
        parts = draw(st.lists(st.sampled_from(others), unique=True, max_size=2))
        split = tuple(SplitPart(psa_id=one, quantity=draw(_HALVES)) for one in parts)
        rule = draw(st.none() | QUANTITY_RULES)
        found[service] = product, MappingRules(quantity=rule, split=split, overrides=overrides)
    return found


def purchases(*, known: bool) -> st.SearchStrategy[Bought]:
    quantity = st.integers(0, 20) if known else st.none() | st.integers(0, 20)
    pairs = st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(SERVICES))
    return st.dictionaries(pairs, st.lists(quantity, min_size=1, max_size=3), max_size=6)


def billed_by_contract(decided: dict[str, tuple[str, MappingRules]], bought: Bought) -> dict[str, Fraction]:
    """What each product is billed."""
    billed: defaultdict[str, Fraction] = defaultdict(Fraction)
    for service, (product, rules) in decided.items():
        overrides = {one.vendor_account_id: one for one in rules.overrides}
        rest = Fraction(0)
        for account in ACCOUNTS:
            quantity = Fraction(sum(one or 0 for one in bought.get((account, service), [])))
            if override := overrides.get(account):
                billed[override.psa_id] += by_rule(quantity, override.quantity)
            else:
                rest += quantity
        if rules.included_in:
            continue
        rest = by_rule(rest, rules.quantity)
        for part in rules.split:
            taken = min(rest, Fraction(part.quantity))
            billed[part.psa_id] += taken
            rest -= taken
        billed[product] += rest
    return billed


def by_rule(quantity: Fraction, rule: QuantityRule | None) -> Fraction:
    if rule is None or not quantity:
        return quantity
    quantity = max(quantity * Fraction(rule.factor) - Fraction(rule.included_units), Fraction(rule.minimum))
    if rule.multiple is None:
        return quantity
    multiple = Fraction(rule.multiple)
    match rule.rounding:
        case Rounding.UP:
            return ceil(quantity / multiple) * multiple
        case Rounding.DOWN:
            return floor(quantity / multiple) * multiple
        case Rounding.NEAREST:
            return floor(quantity / multiple + Fraction(1, 2)) * multiple


def calculated(decided: dict[str, tuple[str, MappingRules]], bought: Bought) -> list[Any]:
    seen = [
        a_subscription(
            lines=tuple(a_line(quantity, service=service) for quantity in quantities),
            id_=f"{account}-{service}",
            account=account,
        )
        for (account, service), quantities in bought.items()
    ]
    services = [
        a_mapping("service", service, product, rules=rules) for service, (product, rules) in decided.items()
    ]
    return the_lines(*seen, services=services, accounts=[an_account(account) for account in ACCOUNTS])


@given(mappings(), purchases(known=True))
@settings(max_examples=300, deadline=None)
def test_every_product_is_counted_as_the_contract_says(
    decided: dict[str, tuple[str, MappingRules]], bought: Bought
) -> None:
    numbers = {line.psa_product_id: line.vendor_count.number for line in calculated(decided, bought)}

    expected = billed_by_contract(decided, bought)
    assert {product: Fraction(number) for product, number in numbers.items()} == {
        product: expected[str(product)] for product in numbers
    }
    assert {product for product, number in expected.items() if number} <= {*numbers}


@given(mappings(), purchases(known=False), st.integers(0, 20))
@settings(max_examples=300, deadline=None)
def test_what_is_known_of_a_number_is_never_more_than_the_number(
    decided: dict[str, tuple[str, MappingRules]], bought: Bought, later: int
) -> None:
    told: Bought = {
        pair: [later if one is None else one for one in numbers] for pair, numbers in bought.items()
    }
    whole = billed_by_contract(decided, told)

    for line in calculated(decided, bought):
        count = line.vendor_count
        known = count.number if count.number is not None else count.known_part
        assert known is not None
        assert Fraction(known) <= whole[line.psa_product_id]
        if count.number is not None:
            assert Fraction(count.number) == whole[line.psa_product_id]
