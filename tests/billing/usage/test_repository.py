from datetime import timedelta
from decimal import Decimal

import pytest
from billing_world import World, a_mapped_world, a_world
from observation_builders import (
    NOW,
    TENANT,
    a_mapping,
    a_service,
    a_subscription,
    a_vendor_account,
    an_agreement_line,
)

from billing.reconciliation.jobs import rechecking_job
from billing.usage.diff import revise_line
from billing.usage.failure import failed_line
from shared.contracts.billing import LineClass
from shared.contracts.psa_sync import AgreementLineObserved
from shared.contracts.vendor_sync import SubscriptionObserved
from shared.errors import TransientError
from shared.mongo import Mongo
from shared.runtime.shards import shard_of


async def test_pages_follow_the_order_of_names_and_end(mongo: Mongo) -> None:
    world = await many(mongo)

    first, more = await world.lines.page(TENANT, limit=2)
    last, end = await world.lines.page(TENANT, after=more, limit=2)

    names = [line.names.vendor_accounts[0] for line in first + last]
    assert names == ["alpha", "Bravo", "charlie"]
    assert end is None


async def test_search_finds_any_part_of_any_name_whatever_its_case(mongo: Mongo) -> None:
    world = await many(mongo)

    found, _ = await world.lines.page(TENANT, search="RAV")

    assert [line.vendor_account_id for line in found] == ["b"]


async def test_what_is_searched_for_is_no_pattern(mongo: Mongo) -> None:
    world = await many(mongo)

    assert await world.lines.page(TENANT, search=".*") == ([], None)


async def test_lines_of_one_class_can_be_asked_for(mongo: Mongo) -> None:
    world = await many(mongo)
    await world.read(a_mapping("account", "b", None))
    await world.reconcile()

    found, _ = await world.lines.page(TENANT, line_class=LineClass.EXCLUDED)

    assert [line.vendor_account_id for line in found] == ["b"]


async def test_another_tenant_sees_nothing(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    line = await world.line()

    assert await world.lines.page("t2") == ([], None)
    assert await world.lines.get("t2", line.line_id) is None


async def test_a_line_whose_day_has_come_is_looked_at_again(mongo: Mongo) -> None:
    ends = an_agreement_line(5, ends_on=(NOW + timedelta(days=1)).date())
    world = await a_mapped_world(mongo, a_subscription(7), ends)
    before = await world.line()

    world.advance(days=1)
    await rechecking_job(world.lines, world.queue, world.woken).step()
    await world.reconcile()

    assert before.line_class is LineClass.VENDOR_HIGHER
    assert (await world.line()).line_class is LineClass.NOT_BILLED


@pytest.mark.parametrize(
    "news",
    [a_subscription(9, revision=20_000), an_agreement_line(9, revision=20_000)],
    ids=["vendor", "psa"],
)
async def test_a_number_is_not_as_young_as_a_reading_that_says_otherwise(
    mongo: Mongo, news: SubscriptionObserved | AgreementLineObserved
) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    before = await world.line()
    world.advance(hours=5)

    await world.read(news)
    behind = await world.line()
    await world.reconcile()
    after = await world.line()

    assert (behind.vendor_count, behind.psa_count) == (before.vendor_count, before.psa_count)
    assert (before.vendor_count.number, before.psa_count.number) == (Decimal(7), Decimal(5))
    count = after.vendor_count if isinstance(news, SubscriptionObserved) else after.psa_count
    assert (count.number, count.as_of) == (Decimal(9), world.now)


async def test_a_line_that_an_older_build_stored_is_read(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    before = await world.line()
    await mongo.documents("usage_lines", TENANT).change(
        {}, {"$unset": {"vendor_accounts": "", "preview": ""}}
    )

    read = await world.line()

    assert read.vendor_accounts == ()
    assert read.vendor_count == before.vendor_count


async def test_a_line_that_was_stored_again_since_it_was_read_is_not_overwritten(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    read = await world.line()
    await world.read(a_subscription(8, revision=11))
    await world.reconcile()
    stored = await world.line()
    overtaken = revise_line(read, failed_line(read, NOW), NOW)
    assert overtaken

    await world.lines.acquire_fence(shard_of(TENANT), "reconciler")
    with pytest.raises(TransientError):
        await world.lines.save(TENANT, [overtaken], token="reconciler")

    assert await world.line() == stored


async def many(mongo: Mongo) -> World:
    """Three accounts without mapping."""
    world = await a_world(mongo)
    names = {"a": "alpha", "b": "Bravo", "c": "charlie"}
    await world.read(*(a_vendor_account(id_, name=name) for id_, name in names.items()))
    await world.read(*(a_subscription(1, id_=f"s{id_}", account=id_) for id_ in names), a_service())
    await world.reconcile()
    return world
