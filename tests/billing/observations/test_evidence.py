"""What only helps to recognise a thing is stored, and nothing is calculated because of it."""

from typing import Any

import pytest
from billing_world import World, a_mapped_world
from observation_builders import (
    TENANT,
    a_product,
    a_psa_account,
    a_service,
    a_subscription,
    a_vendor_account,
    an_agreement_line,
)

from shared.contracts.base import Observation
from shared.contracts.billing import UsageLineChanged
from shared.mongo import Mongo

EVIDENCE: dict[str, Any] = {
    "tax_id": "GB123456789",
    "domains": ("contoso.com",),
    "town": "Leeds",
    "postcode": "LS1",
    "country": "GB",
    "status": "Delinquent",
    "types": ("Client",),
    "family": "Microsoft 365",
    "plan": "Basic",
    "edition": "New",
    "description": "Mail",
    "manufacturer_part_number": "CFQ7",
    "vendor": "Microsoft",
    "category": "Software",
    "product_class": "Service",
}
THINGS = [a_vendor_account(), a_service(), a_psa_account(), a_product()]


async def a_world(mongo: Mongo) -> World:
    return await a_mapped_world(mongo, *THINGS, a_subscription(5), an_agreement_line(4))


def with_evidence(thing: Observation, **more: Any) -> Observation:
    fields = {name: EVIDENCE[name] for name in thing.evidence_fields}
    later = {"revision": thing.revision + 5, "run_id": "run-9", "generation": 2}
    return thing.model_copy(update=fields | later | more)


async def waits(world: World) -> bool:
    """Whether anything is to be calculated again."""
    return bool(await world.mongo.all_tenants("work_items").count({}))


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: type(thing).__name__)
async def test_evidence_that_changed_is_stored_and_nothing_is_calculated(
    mongo: Mongo, thing: Observation
) -> None:
    world = await a_world(mongo)
    before = await world.stored(), await world.events(UsageLineChanged.topic)

    await world.ingest(with_evidence(thing))

    assert not await waits(world)
    await world.settle()
    assert (await world.stored(), await world.events(UsageLineChanged.topic)) == before
    rows = [await mongo.documents(name, TENANT).find() for name in COLLECTIONS]
    assert max(row["revision"] for found in rows for row in found) == thing.revision + 5


COLLECTIONS = ("vendor_accounts", "vendor_services", "psa_accounts", "products")


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: type(thing).__name__)
async def test_the_evidence_of_an_update_changes_nothing_on_rows_of_the_release_before(
    mongo: Mongo, thing: Observation
) -> None:
    world = await a_world(mongo)
    for name in COLLECTIONS:
        rows = await mongo.documents(name, TENANT).find()
        await mongo.documents(name, TENANT).remove({})
        older = [
            {key: value for key, value in row.items() if key not in thing.evidence_fields} for row in rows
        ]
        await mongo.documents(name, TENANT).insert_many(older)

    await world.ingest(with_evidence(thing))

    assert not await waits(world)


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: type(thing).__name__)
@pytest.mark.parametrize("change", [{"name": "Another"}, {"present": False}], ids=str)
async def test_what_changes_with_evidence_is_calculated_as_ever(
    mongo: Mongo, thing: Observation, change: dict[str, Any]
) -> None:
    world = await a_world(mongo)

    await world.ingest(with_evidence(thing, **change))

    assert await waits(world)


async def test_a_rename_in_the_same_batch_is_calculated(mongo: Mongo) -> None:
    world, account = await a_world(mongo), a_vendor_account()
    renamed = account.model_copy(update={"revision": 4, "name": "Acme Labs"})
    placed = renamed.model_copy(update={"revision": 6, "town": "Leeds"})

    await world.ingest(renamed, placed)

    assert await waits(world)


async def test_news_that_was_stored_before_a_kill_is_calculated_when_it_comes_again(mongo: Mongo) -> None:
    world = await a_world(mongo)
    renamed = a_vendor_account(revision=4, name="Acme Labs")
    await world.ingest(renamed)
    await mongo.all_tenants("work_items").remove({})  # killed before this was asked for

    await world.ingest(renamed, renamed.model_copy(update={"revision": 6, "town": "Leeds"}))

    assert await waits(world)


async def test_news_that_says_the_same_again_is_calculated_for_somebody_has_lost_some(mongo: Mongo) -> None:
    world = await a_world(mongo)

    await world.ingest(a_vendor_account(revision=9))

    assert await waits(world)
