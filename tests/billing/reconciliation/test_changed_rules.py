"""A change of the rules of a service reaches every line that it was, or becomes, a part of."""

from decimal import Decimal
from typing import Any

from billing_world import World, a_mapped_world
from observation_builders import TENANT, a_mapping, a_subscription, an_agreement_line

from billing.usage.ref import Ref, RefKind
from shared.contracts.mapping_rules import MappingRules
from shared.contracts.matcher import MappingDecided
from shared.mongo import Mongo

SPLIT = {"split": [{"psa_id": "prod2", "quantity": "4"}]}


def ruled(rules: dict[str, Any], revision: int, product: str = "prod1") -> MappingDecided:
    of_rules = MappingRules.model_validate(rules)
    return a_mapping("service", "svc1", product, revision=revision, rules=of_rules)


async def counted(world: World) -> dict[str | None, Decimal | None]:
    return {line.psa_product_id: line.vendor_count.number for line in await world.stored() if line.present}


async def test_rules_that_come_and_go_move_what_is_counted(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    steps = []
    for step in (
        ruled(SPLIT, 2),
        ruled({"overrides": [{"vendor_account_id": "acme", "psa_id": "prod3"}]}, 3),
    ):
        await world.ingest(step)
        await world.reconcile()
        steps.append(await counted(world))
    await world.ingest(a_mapping("service", "svc1", "prod1", revision=4))
    await world.reconcile()

    assert steps == [{"prod1": 3, "prod2": 4}, {"prod1": 0, "prod3": 7}]
    assert await counted(world) == {"prod1": 7}


async def test_the_other_product_of_a_split_is_counted_where_it_is_billed(mongo: Mongo) -> None:
    billed = an_agreement_line(5), an_agreement_line(4, id_="add2", product_id="prod2")
    world = await a_mapped_world(mongo, a_subscription(7), *billed)

    await world.ingest(ruled(SPLIT, 2))
    await world.reconcile()

    lines = {line.psa_product_id: line for line in await world.stored()}
    assert (lines["prod2"].vendor_count.number, lines["prod2"].psa_count.number) == (Decimal(4), Decimal(4))


async def test_a_rule_that_changes_is_news_for_the_accounts_of_all_its_products(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await world.ingest(ruled(SPLIT, 2))
    await world.reconcile()
    service = Ref(RefKind.VENDOR_SERVICE, "int_vendor", "svc1")

    accounts = await world.groups.affected_accounts(TENANT, {service})

    assert Ref(RefKind.PSA_ACCOUNT, "int_psa", "co1") in accounts


async def test_an_older_rule_that_comes_late_changes_nothing(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await world.ingest(ruled({}, 3))

    await world.ingest(ruled(SPLIT, 2))
    await world.reconcile()

    assert await counted(world) == {"prod1": 7}
