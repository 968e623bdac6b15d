"""What was told of since: counted by things, cheaply while nothing more comes."""

from observation_builders import TENANT, VENDOR, a_service, a_subscription

from billing.observations.change_notice import told_of
from billing.observations.receipts import Receipts
from shared.contracts.base import Observation
from shared.mongo import Mongo

SUBSCRIPTIONS, SERVICES = a_subscription().topic, a_service().topic


async def note(arrivals: Receipts, *news: Observation) -> None:
    await arrivals.note(TENANT, [told_of(one) for one in news])


async def test_a_thing_counts_once_however_often_it_was_told_of(mongo: Mongo) -> None:
    arrivals = Receipts(mongo)
    await note(arrivals, a_subscription(), a_subscription(id_="other"))
    await note(arrivals, a_subscription(revision=11))

    assert await arrivals.counted(TENANT, VENDOR, 10) == {SUBSCRIPTIONS: 2}
    assert await arrivals.counted(TENANT, VENDOR, 11) == {SUBSCRIPTIONS: 1}


async def test_what_another_replica_noted_since_counts(mongo: Mongo) -> None:
    ours, theirs = Receipts(mongo), Receipts(mongo)
    await note(ours, a_subscription())
    before = await ours.counted(TENANT, VENDOR, 10)

    await note(theirs, a_service(revision=10))

    assert before == {SUBSCRIPTIONS: 1}
    assert await ours.counted(TENANT, VENDOR, 10) == {SUBSCRIPTIONS: 1, SERVICES: 1}


async def test_what_was_read_is_not_read_again_while_nothing_more_comes(mongo: Mongo) -> None:
    arrivals = Receipts(mongo)
    await note(arrivals, a_subscription())
    before = await arrivals.counted(TENANT, VENDOR, 10)

    await mongo.documents("arrivals", TENANT).change_many({}, {"$set": {"keys": [], "revisions": []}})

    assert await arrivals.counted(TENANT, VENDOR, 10) == before
    assert await Receipts(mongo).counted(TENANT, VENDOR, 10) == {SUBSCRIPTIONS: 0}


async def test_only_so_many_counts_are_remembered(mongo: Mongo) -> None:
    arrivals = Receipts(mongo, remembered=1)
    await note(arrivals, a_subscription())
    await arrivals.counted(TENANT, VENDOR, 10)
    await arrivals.counted(TENANT, VENDOR, 9)

    await mongo.documents("arrivals", TENANT).change_many({}, {"$set": {"keys": [], "revisions": []}})

    assert await arrivals.counted(TENANT, VENDOR, 9) == {SUBSCRIPTIONS: 1}
    assert await arrivals.counted(TENANT, VENDOR, 10) == {SUBSCRIPTIONS: 0}
