import pytest
from billing_world import a_mapped_world, a_world
from observation_builders import (
    PSA,
    TENANT,
    a_line,
    a_mapping,
    a_product,
    a_psa_account,
    a_service,
    a_subscription,
    a_vendor_account,
    an_agreement_line,
    an_integration,
)

from billing.reconciliation.leader import ReconcilerLeader
from billing.usage.recalculation_request import ACCOUNTS
from shared.contracts.auth import IntegrationStatus
from shared.contracts.billing import LineClass
from shared.contracts.matcher import MappingDecision
from shared.mongo import Mongo
from shared.runtime.leases import LeaseLost, Leases
from shared.runtime.shards import shard_of

CHANGED = "billing.usage-line-changed.v1"


async def test_news_becomes_a_line_with_its_names(mongo: Mongo) -> None:
    names = a_vendor_account(), a_service(), a_psa_account(), a_product()

    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5), *names)

    line = await world.line()
    assert line.line_class is LineClass.VENDOR_HIGHER
    assert (line.names.psa_account, line.names.product_key) == ("co1 Inc", "SKU-prod1")
    assert line.names.vendor_accounts == ("acme Ltd",)


async def test_the_same_news_again_changes_and_announces_nothing(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    before, said = await world.line(), len(await world.events(CHANGED))

    await world.ingest(a_subscription(7), an_agreement_line(5), a_mapping("account", "acme", "co1"))
    await world.reconcile()

    assert await world.line() == before
    assert len(await world.events(CHANGED)) == said


async def test_a_change_raises_the_revision_and_is_announced(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    before, said = await world.line(), len(await world.events(CHANGED))

    await world.read(a_subscription(8, revision=11))
    await world.reconcile()

    line = await world.line()
    assert line.revision == before.revision + 1
    assert len(await world.events(CHANGED)) == said + 1


async def test_older_news_that_comes_late_changes_nothing(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))

    await world.read(a_subscription(1, revision=3))
    await world.reconcile()

    assert (await world.line()).vendor_count.number == 7


async def test_usage_that_becomes_mapped_leaves_its_line_without_target(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.read(a_subscription(7))
    await world.reconcile()
    loose = await world.line()

    await world.read(a_mapping("account", "acme", "co1"), a_mapping("service", "svc1", "prod1"))
    await world.reconcile()

    assert (await world.line()).psa_product_id == "prod1"
    gone = await world.lines.get(loose.tenant_id, loose.line_id)
    assert gone is not None
    assert not gone.present


async def test_a_line_without_target_is_the_same_line_once_its_account_is_mapped(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.read(a_subscription(7))
    await world.reconcile()
    before = await world.line()

    await world.read(a_mapping("account", "acme", "co1"))
    await world.reconcile()

    after = await world.line()
    assert (after.line_id, after.revision) == (before.line_id, before.revision + 1)
    assert after.reason == "service not mapped"


async def test_an_account_that_is_mapped_elsewhere_takes_its_usage_along(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))

    await world.read(a_mapping("account", "acme", "co2", revision=2))
    await world.reconcile()

    classes = {line.psa_account_id: line.line_class for line in await world.stored()}
    assert classes == {"co1": LineClass.NOT_BOUGHT, "co2": LineClass.NO_VERDICT}


async def test_a_service_mapping_that_is_revoked_takes_the_target_away(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))

    await world.read(a_mapping("service", "svc1", "prod1", revision=2, decision=MappingDecision.REVOKED))
    await world.reconcile()

    assert (await world.line()).line_class is LineClass.UNMAPPED


async def test_an_account_mapping_that_is_revoked_leaves_what_is_billed_to_be_seen(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))

    await world.read(a_mapping("account", "acme", "co1", revision=2, decision=MappingDecision.REVOKED))
    await world.reconcile()

    classes = {line.psa_account_id: line.line_class for line in await world.stored()}
    assert classes == {None: LineClass.UNMAPPED, "co1": LineClass.NOT_BOUGHT}


async def test_a_service_that_is_mapped_elsewhere_leaves_what_it_left_not_bought(mongo: Mongo) -> None:
    seen = a_subscription(7), an_agreement_line(5), a_subscription(0, id_="s2", service="svc2")
    world = await a_mapped_world(mongo, *seen, a_mapping("service", "svc2", "prod1"))

    await world.read(a_mapping("service", "svc1", "prod2", revision=2))
    await world.reconcile()

    classes = {line.psa_product_id: line.line_class for line in await world.stored()}
    assert classes == {"prod1": LineClass.PSA_HIGHER, "prod2": LineClass.NOT_BILLED}


async def test_a_newly_mapped_product_shows_what_is_billed_for_nothing(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5, product_id="prod9"))

    await world.read(a_mapping("service", "svc9", "prod9"))
    await world.reconcile()

    classes = {line.psa_product_id: line.line_class for line in await world.stored()}
    assert classes["prod9"] is LineClass.NOT_BOUGHT


async def test_two_accounts_of_one_psa_account_are_always_summed_together(mongo: Mongo) -> None:
    both = a_subscription(7), a_subscription(2, id_="s2", account="second"), an_agreement_line(5)
    world = await a_mapped_world(mongo, *both, a_mapping("account", "second", "co1"))

    await world.read(a_subscription(4, id_="s2", account="second", revision=11))
    await world.reconcile()

    assert (await world.line()).vendor_count.number == 11


async def test_a_subscription_that_moves_to_another_account_leaves_the_old_one(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))

    await world.read(a_subscription(7, account="other", revision=11))
    await world.reconcile()

    classes = {line.line_class for line in await world.stored()}
    assert classes == {LineClass.UNMAPPED, LineClass.NOT_BOUGHT}


async def test_disconnecting_takes_every_verdict_of_the_integration(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))

    await world.read(an_integration(PSA, revision=2, status=IntegrationStatus.DISCONNECTED))
    await world.reconcile()

    assert (await world.line()).reason == "psa not-connected"


async def test_news_of_a_service_reaches_more_accounts_than_fit_in_a_request(mongo: Mongo) -> None:
    world = await a_world(mongo)
    many = [a_subscription(1, id_=f"s{place}", account=f"a{place}") for place in range(300)]
    await world.read(*many)
    await world.reconcile()

    await world.read(a_mapping("service", "svc1", None))
    await world.reconcile()

    lines, more = await world.lines.page("t1", limit=500)
    assert (len(lines), more) == (300, None)
    assert {line.line_class for line in lines} == {LineClass.EXCLUDED}


async def test_news_that_comes_while_its_line_is_reconciled_is_not_lost(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await world.read(a_subscription(8, revision=11))
    [request] = await world.queue.read_due_requests(TENANT, ACCOUNTS, now=world.now, limit=5)

    await world.read(a_subscription(9, revision=12))
    await world.queue.complete(TENANT, [request.id])
    await world.reconcile()

    assert (await world.line()).vendor_count.number == 9


async def test_a_reconciler_that_was_paused_cannot_write_old_news(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await world.read(a_subscription(8, lines=(a_line(8),), revision=11))
    await world.lines.acquire_fence(shard_of(TENANT), "another")

    with pytest.raises(LeaseLost):
        await world.reconciler.process(TENANT, "paused")

    assert (await world.line()).vendor_count.number == 7


async def test_only_one_reconciler_is_at_work(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    rival = ReconcilerLeader(world.reconciler, Leases(mongo), world.lines.acquire_fence)
    await world.read(a_subscription(8, revision=11))

    assert not await rival.step()

    await world.leader.release()
    assert await rival.step()
