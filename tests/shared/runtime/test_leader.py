from datetime import UTC, datetime, timedelta

import pytest
from interleaving import InterleavedMongo

from shared.errors import TransientError
from shared.mongo import Mongo
from shared.runtime.clock import monotonic_seconds
from shared.runtime.leader import Leader
from shared.runtime.leases import Lease, LeaseLost, Leases

MINUTE = timedelta(minutes=1)


def a_leader(mongo: Mongo) -> Leader:
    return Leader(Leases(mongo), "reconciler", MINUTE)


async def the_lease(leader: Leader) -> Lease:
    lease = await leader.lease()
    assert lease is not None
    return lease


async def someone_takes_over(mongo: Mongo) -> None:
    until = datetime.now(UTC) + MINUTE
    rows = mongo.all_tenants("leases")
    assert await rows.change({"_id": "reconciler"}, {"$set": {"token": "another", "until": until}})


async def test_one_of_two_leads(mongo: Mongo) -> None:
    leader, other = a_leader(mongo), a_leader(mongo)

    lease = await the_lease(leader)

    lease.check()
    assert await other.lease() is None
    assert await the_lease(leader) is lease


async def test_in_the_first_half_of_its_term_a_lease_is_kept_as_it_is(mongo: Mongo) -> None:
    leader = a_leader(mongo)
    before = (await the_lease(leader)).monotonic_deadline

    assert (await the_lease(leader)).monotonic_deadline == before


async def test_in_the_second_half_of_its_term_a_lease_is_renewed(mongo: Mongo) -> None:
    leader = a_leader(mongo)
    lease = await the_lease(leader)
    lease.monotonic_deadline = monotonic_seconds() + 20
    stored = (await mongo.all_tenants("leases").get("reconciler") or {})["until"]

    renewed = await the_lease(leader)

    assert renewed.token == lease.token
    assert renewed.monotonic_deadline > monotonic_seconds() + 50
    assert (await mongo.all_tenants("leases").get("reconciler") or {})["until"] > stored


async def test_a_lease_that_ran_out_is_taken_anew_with_a_new_token(mongo: Mongo) -> None:
    leader = a_leader(mongo)
    lease = await the_lease(leader)
    lease.monotonic_deadline = monotonic_seconds()
    over = {"$set": {"until": datetime.now(UTC) - MINUTE}}
    await mongo.all_tenants("leases").change({"_id": "reconciler"}, over)

    assert (await the_lease(leader)).token != lease.token


async def test_a_lease_that_ran_out_is_not_taken_from_its_new_holder(mongo: Mongo) -> None:
    leader = a_leader(mongo)
    (await the_lease(leader)).monotonic_deadline = monotonic_seconds()
    await someone_takes_over(mongo)

    assert await leader.lease() is None


async def test_a_leader_that_was_succeeded_loses_the_lease_and_then_waits(mongo: Mongo) -> None:
    leader = a_leader(mongo)
    lease = await the_lease(leader)
    lease.monotonic_deadline = monotonic_seconds() + 20
    await someone_takes_over(mongo)

    with pytest.raises(LeaseLost):
        await leader.lease()

    assert await leader.lease() is None
    with pytest.raises(LeaseLost):
        lease.check()


async def test_a_renewal_without_an_answer_gives_the_lease_up(mongo: Mongo) -> None:
    async def no_answer() -> None:
        raise TransientError("the document store does not answer")

    store = InterleavedMongo(mongo, "leases.update_one", no_answer)
    leader = a_leader(store)
    (await the_lease(leader)).monotonic_deadline = monotonic_seconds() + 20

    with pytest.raises(TransientError):
        await leader.lease()

    assert await leader.lease() is None


async def test_a_released_lead_is_free_at_once(mongo: Mongo) -> None:
    leader, other = a_leader(mongo), a_leader(mongo)
    await leader.lease()

    await leader.release()
    await leader.release()

    assert await other.lease() is not None
    assert await leader.lease() is None


async def test_releasing_what_was_never_taken_frees_nothing(mongo: Mongo) -> None:
    leader, other = a_leader(mongo), a_leader(mongo)
    await leader.lease()

    await other.release()

    assert await other.lease() is None
