"""Runs that close while lines are being calculated with what counted before."""

from billing_world import World, a_mapped_world
from interleaving import InterleavedMongo
from manifest_builders import ACME, BETA, a_span, an_account_read
from observation_builders import a_finished_run, a_mapping, a_subscription, an_agreement_line

from shared.mongo import Mongo

OTHERS = a_subscription(4, id_="s2", account="beta")
BEFORE, CHANGED, AFTER = 4_000, 5_000, 6_000


async def a_world_of_two_accounts(mongo: Mongo) -> World:
    """Acme has 5, and beta, which is billed to the same company, 4."""
    world = await a_mapped_world(mongo, a_subscription(5), an_agreement_line(9))
    await world.read(a_mapping("account", "beta", "co1"), OTHERS)
    await world.settle()
    return world


async def test_a_sum_that_a_run_confirms_while_it_is_calculated_is_a_number_in_the_end(mongo: Mongo) -> None:
    world = await a_world_of_two_accounts(mongo)
    more = a_subscription(6, revision=CHANGED)
    spans = [a_span(known_from=CHANGED, known_until=AFTER - 1)]
    of_acme = an_account_read(ACME, [more], revision=AFTER, run_id="run-2", spans=spans)
    of_beta = an_account_read(BETA, [OTHERS], revision=AFTER, run_id="run-2")

    async def confirm_and_close() -> None:
        await world.ingest(of_beta)
        await world.apply()
        await world.run_closer.record([a_finished_run(2, run_id="run-2", sync_id="sync-2")])
        await world.run_closer.advance()

    await world.ingest(more, of_acme)
    await world.apply()
    await world.leader.release()
    replica = World(InterleavedMongo(mongo, "usage_lines.find", confirm_and_close))
    await replica.reconcile()
    await replica.leader.release()
    await world.settle()

    assert (await world.line()).vendor_count.number == 10
