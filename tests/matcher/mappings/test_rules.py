"""Rules are a part of the decision on a service: kept, ended, undone, judged and told with it."""

from decimal import Decimal
from typing import Any

import pytest
from catalogue_builders import (
    PSA,
    VENDOR,
    a_product,
    a_psa,
    a_psa_account,
    a_service,
    a_vendor_account,
    an_integration,
)
from matcher_world import MatcherWorld

from matcher.mappings.models import (
    NO_RULES,
    Choice,
    ChosenItemMissing,
    DecisionRefusal,
    DecisionRefused,
    Exclude,
    MapTo,
    PsaItemRef,
    Revoke,
    Undo,
)
from shared.contracts.mapping_rules import AccountOverride, MappingRules, QuantityRule, SplitPart
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingMethod
from shared.errors import RuleBroken

LESS_FIVE = MappingRules(quantity=QuantityRule(included_units=Decimal(5)))
IN_S1 = MappingRules(included_in="s1")


def split_to(*product_ids: str) -> MappingRules:
    return MappingRules(split=tuple(SplitPart(psa_id=id_, quantity=Decimal(8)) for id_ in product_ids))


def for_account(account_id: str, product_id: str = "p8") -> MappingRules:
    return MappingRules(overrides=(AccountOverride(vendor_account_id=account_id, psa_id=product_id),))


def to(product_id: str, rules: MappingRules | None = None) -> MapTo:
    return MapTo(PsaItemRef(PSA, product_id), rules=rules)


@pytest.fixture
async def known(world: MatcherWorld) -> MatcherWorld:
    services = [a_service(id_, f"Service {id_}") for id_ in ("s1", "s2", "s3")]
    products = [a_product(id_, f"Product {id_}") for id_ in ("p7", "p8", "p9")]
    inactive = a_product("p6", "Product p6", active=False)
    accounts = a_vendor_account("1", "Contoso"), a_psa_account("a", "Contoso Ltd")
    await world.receive(an_integration(), a_psa(), *services, *products, inactive, *accounts)
    return world


async def decide(world: MatcherWorld, service_id: str, choice: Choice, **more: Any) -> MappingDecided:
    return await world.decide(service_id, choice, kind="service", **more)


async def test_rules_are_told_and_kept_with_the_decision(known: MatcherWorld) -> None:
    decided = await decide(known, "s1", to("p9", LESS_FIVE))

    assert decided.rules == LESS_FIVE
    assert (await known.newest_mappings())["s1"].rules == LESS_FIVE


async def test_a_decision_that_says_nothing_of_rules_keeps_those_that_stand(known: MatcherWorld) -> None:
    first = await decide(known, "s1", to("p9", LESS_FIVE))

    same = await decide(known, "s1", to("p9"))
    moved = await decide(known, "s1", to("p8"))

    assert same == first
    assert (moved.psa_id, moved.rules) == ("p8", LESS_FIVE)


async def test_rules_that_are_ended_are_gone_and_a_change_of_them_is_a_decision(known: MatcherWorld) -> None:
    first = await decide(known, "s1", to("p9", LESS_FIVE))

    ended = await decide(known, "s1", to("p9", NO_RULES))
    again = await decide(known, "s1", to("p9", NO_RULES))

    assert ended.rules is None
    assert ended.revision > first.revision
    assert ended.replaced is not None
    assert ended.replaced.rules == LESS_FIVE
    assert again == ended


async def test_an_undone_decision_brings_the_former_rules_back(known: MatcherWorld) -> None:
    await decide(known, "s1", to("p9", LESS_FIVE))
    ended = await decide(known, "s1", to("p9", NO_RULES))

    undone = await decide(known, "s1", Undo(), saw=ended.revision)
    redone = await decide(known, "s1", Undo(), saw=undone.revision)

    assert (undone.rules, redone.rules) == (LESS_FIVE, None)


async def test_rules_go_with_the_mapping_and_come_back_with_its_undoing(known: MatcherWorld) -> None:
    await decide(known, "s1", to("p9", LESS_FIVE))

    excluded = await decide(known, "s1", Exclude("internal"))
    undone = await decide(known, "s1", Undo(), saw=excluded.revision)

    assert excluded.rules is None
    assert (undone.psa_id, undone.rules) == ("p9", LESS_FIVE)


async def test_rules_make_an_exact_mapping_the_persons_own(world: MatcherWorld) -> None:
    await world.receive(an_integration(), a_psa(), a_service("s", "Post"), a_product("p", "Post"))

    decided = await decide(world, "s", to("p", LESS_FIVE))

    assert (decided.method, decided.decided_by) == (MappingMethod.MANUAL, "ann")


async def test_an_account_has_no_rules(known: MatcherWorld) -> None:
    with pytest.raises(RuleBroken, match="only a mapped service has a quantity"):
        await known.decide("1", MapTo(PsaItemRef(PSA, "a"), rules=LESS_FIVE))

    assert await known.mapped() == {}


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (split_to("p8", "p9"), "p9 is what the service is mapped to, and gets what the split leaves"),
        (split_to("p6"), r"p6 \(Product p6\), which the rules name, is inactive"),
        (for_account("1", "p6"), "p6 .*is inactive: choose an active one"),
        (IN_S1, "s1 cannot be included in itself"),
        (MappingRules(included_in="s2"), "s2 is not mapped: map it to PSA product p9 first"),
        (MappingRules(included_in="s99"), "s99 is not mapped"),
    ],
)
async def test_rules_that_cannot_be_kept_to_are_refused(
    known: MatcherWorld, rules: MappingRules, sentence: str
) -> None:
    with pytest.raises(DecisionRefused, match=sentence) as refused:
        await decide(known, "s1", to("p9", rules))

    assert refused.value.refusal is DecisionRefusal.RULES_REFUSED
    assert await known.mapped() == {}


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (split_to("p1"), "there is no PSA product p1 in integration int_psa"),
        (for_account("1", "p1"), "there is no PSA product p1"),
        (for_account("99"), f"there is no vendor account 99 in integration {VENDOR}"),
    ],
)
async def test_what_rules_name_must_have_been_seen(
    known: MatcherWorld, rules: MappingRules, sentence: str
) -> None:
    with pytest.raises(ChosenItemMissing, match=sentence):
        await decide(known, "s1", to("p9", rules))


async def test_rules_that_are_kept_must_fit_the_new_product(known: MatcherWorld) -> None:
    await decide(known, "s1", to("p9", split_to("p8")))

    with pytest.raises(DecisionRefused, match="p8 is what the service is mapped to"):
        await decide(known, "s1", to("p8"))

    assert (await decide(known, "s1", to("p8", NO_RULES))).psa_id == "p8"


async def test_a_part_that_became_inactive_bars_new_decisions_with_it_and_no_other(
    known: MatcherWorld,
) -> None:
    first = await decide(known, "s1", to("p9", split_to("p8")))
    await known.receive(a_product("p8", "Product p8", active=False, revision=2))

    assert await decide(known, "s1", to("p9")) == first
    with pytest.raises(DecisionRefused, match="is inactive"):
        await decide(known, "s1", to("p7"))


async def test_a_service_is_included_in_one_that_is_mapped_to_the_same_product(known: MatcherWorld) -> None:
    await decide(known, "s1", to("p9"))

    included = await decide(known, "s2", to("p9", IN_S1))

    assert included.rules == IN_S1
    with pytest.raises(DecisionRefused, match="s1 is mapped to PSA product p9, and this service to p8"):
        await decide(known, "s3", to("p8", IN_S1))
    with pytest.raises(DecisionRefused, match="s2 is included in s1 itself: name that one"):
        await decide(known, "s3", to("p9", MappingRules(included_in="s2")))


@pytest.mark.parametrize(
    "choice", [to("p8"), Exclude("internal"), Revoke(), to("p9", MappingRules(included_in="s3")), Undo()]
)
async def test_the_source_of_a_bundle_stays_as_it_is_while_others_are_included(
    known: MatcherWorld, choice: Choice
) -> None:
    source = await decide(known, "s1", to("p9"))
    await decide(known, "s3", to("p9"))
    await decide(known, "s2", to("p9", IN_S1))

    with pytest.raises(DecisionRefused, match="s1 is the source of a bundle, with s2") as refused:
        await decide(known, "s1", choice, saw=source.revision)

    assert refused.value.refusal is DecisionRefusal.SOURCE_OF_BUNDLE
    assert (await known.newest_mappings())["s1"] == source


async def test_the_source_may_change_its_rules_and_is_free_once_nothing_is_included(
    known: MatcherWorld,
) -> None:
    await decide(known, "s1", to("p9"))
    await decide(known, "s2", to("p9", IN_S1))

    ruled = await decide(known, "s1", to("p9", LESS_FIVE))
    await decide(known, "s2", Revoke())
    revoked = await decide(known, "s1", Revoke())

    assert ruled.rules == LESS_FIVE
    assert revoked.decision is MappingDecision.REVOKED
