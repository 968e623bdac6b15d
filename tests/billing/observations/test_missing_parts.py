"""Parts that are not found are never taken for an account that holds nothing."""

from collections.abc import Awaitable, Callable

import pytest
from billing_world import World, a_mapped_world
from interleaving import InterleavedMongo
from manifest_builders import ACME, BETA, CO1, a_manifest
from observation_builders import TENANT, VENDOR, a_subscription, an_agreement_line

from billing.feeds.models import RunRef
from billing.observations.effective_things import EffectiveThingReader
from billing.usage.manifest_reader import PARTS, ManifestReader
from shared.errors import TransientError
from shared.mongo import Mongo


async def reconcile(replica: World) -> None:
    await replica.reconcile()


async def calculate_anew(replica: World) -> None:
    await replica.recalculator.of_waiting(TENANT, [(await replica.line()).line_id])


async def compare(replica: World) -> None:
    says_nothing = a_manifest(ACME, run_id="run-9", parts=0)
    await replica.comparison.swings(TENANT, RunRef(VENDOR, "run-9"), {ACME: says_nothing}, ())


async def count_uncounted(replica: World) -> None:
    await replica.comparison.uncounted(TENANT, VENDOR, ())


@pytest.mark.parametrize("use", [reconcile, calculate_anew, compare, count_uncounted])
async def test_what_is_replaced_while_it_is_read_is_tried_again(
    mongo: Mongo, use: Callable[[World], Awaitable[None]]
) -> None:
    world = await a_waiting_world(mongo)

    async def confirm_twice() -> None:
        for _ in range(2):
            await world.ingest(*world.manifests_of())
            await world.apply()

    replica = World(InterleavedMongo(mongo, f"{PARTS}.find", confirm_twice))

    with pytest.raises(TransientError):
        await use(replica)
    early = await world.line()
    await use(replica)
    await replica.reconcile()

    assert [early.vendor_count.number, (await world.line()).vendor_count.number] == [7, 7]
    assert await mongo.all_tenants("work_items").count() == 0


async def test_given_manifests_that_count_no_more_are_not_read_as_empty(mongo: Mongo) -> None:
    world = await a_waiting_world(mongo)
    given = await ManifestReader(mongo).of_accounts(TENANT, [ACME])
    for _ in range(2):
        await world.ingest(*world.manifests_of())
        await world.apply()

    with pytest.raises(TransientError):
        await EffectiveThingReader(mongo).of_accounts(TENANT, [ACME], [CO1], given=given)


@pytest.mark.parametrize("seats", [7, 8], ids=["the same", "another number"])
async def test_an_account_whose_parts_are_lost_fails_alone_until_its_next_manifest(
    mongo: Mongo, seats: int
) -> None:
    world = await a_waiting_world(mongo)
    await world.read(a_subscription(3, id_="s2", account="beta", revision=20_000))
    await mongo.documents(PARTS, TENANT).remove({"ref": ACME.encode()})
    await world.queue.enqueue_refs(TENANT, [ACME, BETA])
    await world.reconcile()
    early = {line.vendor_account_id: (line.reason, line.vendor_count.number) for line in await world.stored()}

    await world.read(a_subscription(seats, revision=20_000 + seats))
    world.advance(minutes=1)
    await world.settle()

    [line] = [line for line in await world.stored() if line.psa_account_id]
    assert early == {None: ("failed", None), "beta": ("account not mapped", 3)}
    assert line.vendor_count.number == seats


async def a_waiting_world(mongo: Mongo) -> World:
    """Seven are bought, which waits to be calculated again, by whichever replica."""
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await world.queue.enqueue_refs(TENANT, [ACME])
    await world.leader.release()
    return world
