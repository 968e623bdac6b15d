"""What was told of since: counted by things, cheaply while nothing more comes."""

from interleaving import ResendingMongo
from observation_builders import TENANT, VENDOR, a_service, a_subscription

from billing.observations.change_notice import ChangeNotice
from billing.observations.receipts import Receipts
from shared.contracts.base import Observation
from shared.mongo import Mongo
from shared.runtime.settings import MongoSettings

SUBSCRIPTIONS, SERVICES = a_subscription().topic, a_service().topic


async def record(receipts: Receipts, *news: Observation) -> None:
    await receipts.record(TENANT, [ChangeNotice.of(one) for one in news])


async def test_a_thing_counts_once_however_often_there_was_news_of_it(mongo: Mongo) -> None:
    receipts = Receipts(mongo)
    await record(receipts, a_subscription(), a_subscription(id_="other"))
    await record(receipts, a_subscription(revision=11))

    assert await receipts.counts(TENANT, VENDOR, 10) == {SUBSCRIPTIONS: 2}
    assert await receipts.counts(TENANT, VENDOR, 11) == {SUBSCRIPTIONS: 1}


async def test_what_another_replica_noted_since_counts(mongo: Mongo) -> None:
    ours, theirs = Receipts(mongo), Receipts(mongo)
    await record(ours, a_subscription())
    before = await ours.counts(TENANT, VENDOR, 10)

    await record(theirs, a_service(revision=10))

    assert before == {SUBSCRIPTIONS: 1}
    assert await ours.counts(TENANT, VENDOR, 10) == {SUBSCRIPTIONS: 1, SERVICES: 1}


async def test_what_was_read_is_not_read_again_while_nothing_more_comes(mongo: Mongo) -> None:
    receipts = Receipts(mongo)
    await record(receipts, a_subscription())
    before = await receipts.counts(TENANT, VENDOR, 10)

    await mongo.documents("arrivals", TENANT).change_many({}, {"$set": {"keys": [], "revisions": []}})

    assert await receipts.counts(TENANT, VENDOR, 10) == before
    assert await Receipts(mongo).counts(TENANT, VENDOR, 10) == {SUBSCRIPTIONS: 0}


async def test_only_so_many_counts_are_cached(mongo: Mongo) -> None:
    receipts = Receipts(mongo, cached_counts=1)
    await record(receipts, a_subscription())
    await receipts.counts(TENANT, VENDOR, 10)
    await receipts.counts(TENANT, VENDOR, 9)

    await mongo.documents("arrivals", TENANT).change_many({}, {"$set": {"keys": [], "revisions": []}})

    assert await receipts.counts(TENANT, VENDOR, 9) == {SUBSCRIPTIONS: 1}
    assert await receipts.counts(TENANT, VENDOR, 10) == {SUBSCRIPTIONS: 0}


async def test_a_receipt_whose_answer_was_lost_is_written_once(
    mongo: Mongo, mongo_settings: MongoSettings
) -> None:
    store = ResendingMongo(mongo_settings, "arrivals")

    await record(Receipts(store), a_subscription())

    await store.close()
    assert await mongo.documents("arrivals", TENANT).count({}) == 1
