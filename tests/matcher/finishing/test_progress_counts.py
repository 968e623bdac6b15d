"""What indexes count is what one counts by hand, whatever has happened."""

import random
from datetime import timedelta

import pytest
from catalogue_builders import NOW, PSA, VENDOR, a_psa, a_psa_account, a_vendor_account, an_integration
from matcher_world import MatcherWorld, mongo_world

from matcher.app import INDEXES
from matcher.catalogue.documents import first_seen_at
from matcher.finishing.progress import CountedItem, Progress, ProgressQuery, progress_of
from matcher.finishing.repository import MongoProgressReader
from matcher.mappings.recovery import MappingRecovery
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, MappingMethod
from shared.errors import Conflict, NotFound
from shared.mongo import Mongo

ACCOUNT = MappingKind.ACCOUNT
NAMES = ("Contoso Dental", "Contoso Dental Care", "Fabrikam", "Fabrikam Robotics", "Northwind Traders")
QUERIES = [
    ProgressQuery("demo", ACCOUNT, vendor, psa, since=since)
    for vendor in (None, VENDOR, "int_two", "int_none")
    for psa in (None, PSA, "int_psa_two")
    for since in (None, NOW + timedelta(hours=3))
]


@pytest.mark.parametrize("seed", range(8))
async def test_counts_are_those_of_a_naive_count_after_any_history(mongo: Mongo, seed: int) -> None:
    await mongo.ensure(INDEXES)
    world, made = mongo_world(mongo), random.Random(seed)  # noqa: S311  a history, not a secret
    await world.receive(an_integration(), an_integration("int_two"), a_psa(), a_psa("int_psa_two"))
    for step in range(30):
        world.now += timedelta(minutes=20)
        await something_happens(world, made, step + 2)
        for query in made.sample(QUERIES, 6):
            assert await MongoProgressReader(mongo).progress(query) == await naive(mongo, query)


async def something_happens(world: MatcherWorld, made: random.Random, revision: int) -> None:
    vendor_id, psa_id, name = str(made.randrange(8)), str(made.randrange(6)), made.choice(NAMES)
    match made.randrange(9):
        case 0 | 1 | 2:
            vendor = made.choice((VENDOR, VENDOR, "int_two"))
            more = {"integration_id": vendor, "revision": revision, "present": made.random() > 0.25}
            status = made.choice(("active", "cancelled"))
            await world.ingest([a_vendor_account(vendor_id, name, status=status, **more)])
        case 3 | 4:
            psa = made.choice((PSA, "int_psa_two"))
            await world.ingest([a_psa_account(psa_id, name, integration_id=psa, revision=revision)])
        case 5:
            await world.close()
            await world.match()
        case 6:
            await world.propose()
        case 7:
            await decided_by_a_person(world, made, vendor_id, psa_id)
        case 8:
            told = a_lost_decision(vendor_id, made, revision)
            await MappingRecovery(world.store, lambda: world.now).catch_up([told])


async def decided_by_a_person(world: MatcherWorld, made: random.Random, vendor_id: str, psa_id: str) -> None:
    try:
        match made.randrange(3):
            case 0:
                await world.approve(vendor_id, psa_id, psa=made.choice((PSA, "int_psa_two")))
            case 1:
                await world.exclude(vendor_id)
            case 2:
                await world.revoke(vendor_id)
    except (NotFound, Conflict):
        pass  # there is no such item, or it is inactive: nothing has happened


def a_lost_decision(vendor_id: str, made: random.Random, revision: int) -> MappingDecided:
    """Return a decision as the topic tells it to a database that was restored."""
    vendor = made.choice((VENDOR, "int_two"))
    return MappingDecided(
        tenant_id="demo",
        revision=int(NOW.timestamp() * 1_000_000) + revision,
        kind=ACCOUNT,
        vendor_provider="ingram-micro",
        vendor_realm=f"realm of {vendor}",
        vendor_integration_id=vendor,
        vendor_id=vendor_id,
        psa_integration_id=PSA,
        psa_id="9",
        decision=MappingDecision.APPROVED,
        method=made.choice((MappingMethod.EXACT, MappingMethod.IMPORT)),
        decided_by="ann",
        decided_at=NOW,
    )


async def naive(mongo: Mongo, query: ProgressQuery) -> Progress:
    """Count what is stored, row by row."""
    proposed = await mongo.documents("proposals", "demo").find({"is_empty": False})
    suggested = {(row["vendor_integration_id"], row["vendor_id"]) for row in proposed}
    rows = await mongo.documents("vendor_accounts", "demo").find({"present": True})
    items = [
        CountedItem(
            row["integration_id"],
            row["item_id"],
            usable=row["usable"],
            is_new=query.since is not None and first_seen_at(row) >= query.since,
            is_suggested=(row["integration_id"], row["item_id"]) in suggested,
        )
        for row in rows
        if query.vendor_integration_id in (None, row["integration_id"])
    ]
    decided = await MongoProgressReader(mongo).decided(query, {item.id for item in items})
    return progress_of(query, items, decided)
