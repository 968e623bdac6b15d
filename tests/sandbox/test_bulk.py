"""Any number of further subscriptions for benchmarks."""

import expected_counts
from sandboxes import MovableClock, open_sandbox

from sandbox.settings import Settings
from sandbox.world import World, make_world


def a_bulky_world(subscriptions: int) -> World:
    return make_world(Settings(port=8090, seed=3, subscriptions=subscriptions), MovableClock())


async def test_generated_subscriptions_come_on_top_of_the_story() -> None:
    async with open_sandbox(subscriptions=1001) as sandbox:
        page = (await sandbox.ingram.get("subscriptions")).json()

    assert page["pagination"]["total"] == 30 + 1001


def test_customers_companies_and_lines_grow_in_proportion() -> None:
    world = a_bulky_world(1000)

    assert len(world.marketplace.customers) == 12 + 125
    assert len(world.psa.companies) == 14 + 125
    assert len(world.psa.agreements) == 13 + 125
    assert 30 + 950 < len(world.psa.additions) <= 30 + 1000


def test_the_storys_parts_do_not_move() -> None:
    world, plain = a_bulky_world(100), a_bulky_world(0)

    assert world.story.lines == plain.story.lines


def test_nineteen_of_twenty_generated_lines_are_in_step() -> None:
    world = a_bulky_world(2000)
    companies = {row["name"]: row["id"] for row in world.psa.companies}
    products = {row["identifier"]: row["id"] for row in world.psa.products}
    billed = expected_counts.psa_quantities(world)

    bulk = [
        subscription
        for subscription in world.marketplace.subscriptions.values()
        if subscription.offer.vendor == "Bulk"
    ]
    in_step = sum(
        billed[
            companies[world.marketplace.customers[subscription.customer_id].name],
            products[subscription.offer.mpn or ""],
        ]
        == [subscription.lines[0].quantity]
        for subscription in bulk
    )

    assert 0.93 < in_step / len(bulk) < 0.97


async def test_a_page_has_at_most_a_thousand_rows_whatever_is_asked() -> None:
    async with open_sandbox(subscriptions=8 * 1000) as sandbox:
        answer = await sandbox.connectwise.get("company/companies", params={"pageSize": "5000"})

    assert len(answer.json()) == 1000
    assert answer.links["last"]["url"].endswith("page=2")
