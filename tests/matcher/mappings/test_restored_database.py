"""Matcher's database was restored: what it had told since is followed, and nothing repeats."""

from datetime import timedelta

import pytest
from catalogue_builders import a_psa, a_psa_account, a_vendor_account, an_integration
from matcher_world import MatcherWorld

from matcher.app import INDEXES
from matcher.mappings.recovery import MappingRecovery
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingMethod
from shared.mongo import Document, Mongo, Put

pytestmark = pytest.mark.server

KEPT = tuple(sorted({index.collection for index in INDEXES} - {"outbox"}))
CONNECTED = an_integration(), a_psa()
CONTOSO = *CONNECTED, a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso")


class Backup:
    """A copy of all that matcher keeps, but for what waits to be published."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._copy: dict[str, list[Document]] = {}

    async def take(self) -> None:
        self._copy = {name: await self._mongo.all_tenants(name).find() for name in KEPT}

    async def restore(self) -> None:
        for name, rows in self._copy.items():
            await self._mongo.all_tenants(name).remove({})
            await self._mongo.all_tenants(name).bulk([Put(row) for row in rows])


@pytest.fixture
def backup(mongo: Mongo) -> Backup:
    return Backup(mongo)


async def hear_own_news(world: MatcherWorld) -> None:
    """Hands over all that matcher has told, as its consumer reads again after a restore."""
    told = [one for one in await world.published() if isinstance(one, MappingDecided)]
    await MappingRecovery(world.store, lambda: world.now).catch_up(told)


async def test_no_revision_is_given_twice_after_a_restore(stored_world: MatcherWorld, backup: Backup) -> None:
    world = stored_world
    await backup.take()
    await world.receive(*CONTOSO, a_psa_account("8", "Fabrikam"))
    lost = [await world.approve("1", "8"), await world.exclude("1")]
    await backup.restore()
    world.now += timedelta(minutes=1)

    await world.receive(*CONTOSO, a_psa_account("8", "Fabrikam"))

    newest = (await world.published())[-1]
    assert isinstance(newest, MappingDecided)
    assert newest.method is MappingMethod.EXACT
    assert newest.revision > max(mapping.revision for mapping in lost)


async def test_what_was_decided_since_the_backup_comes_back_and_is_not_told_again(
    stored_world: MatcherWorld, backup: Backup
) -> None:
    world = stored_world
    await world.receive(*CONTOSO, a_psa_account("8", "Fabrikam"))
    await backup.take()
    decided = await world.approve("1", "8")
    await backup.restore()
    world.now += timedelta(minutes=1)
    told = len(await world.published())

    await hear_own_news(world)
    again = await world.approve("1", "8")

    assert again == decided, "it is what is stored, and nothing new"
    assert len(await world.published()) == told


async def test_a_decision_that_came_back_can_be_undone(stored_world: MatcherWorld, backup: Backup) -> None:
    world = stored_world
    await world.receive(*CONTOSO, a_psa_account("8", "Fabrikam"))
    await backup.take()
    decided = await world.approve("1", "8")
    await backup.restore()
    await hear_own_news(world)

    undone = await world.undo(decided)

    assert (undone.psa_id, undone.method) == ("9", MappingMethod.EXACT)


async def test_what_a_person_decided_stands_above_what_the_rule_decided_on_older_ground(
    stored_world: MatcherWorld, backup: Backup
) -> None:
    world = stored_world
    await backup.take()
    await world.receive(*CONTOSO)
    await world.exclude("1", "our own company")
    await backup.restore()
    world.now += timedelta(minutes=1)
    await world.receive(*CONTOSO)  # the rule knows of no person
    assert await world.mapped() == {"1": "9"}

    await hear_own_news(world)
    await hear_own_news(world)

    mapping = (await world.newest_mappings())["1"]
    assert (mapping.decision, mapping.reason) == (MappingDecision.EXCLUDED, "our own company")
    assert [one.vendor_id for one in await world.published()].count("1") == 4  # type: ignore[attr-defined]  # all are states


async def test_what_a_person_took_back_is_not_brought_back_by_hearing_it_again(
    stored_world: MatcherWorld,
) -> None:
    world = stored_world
    await world.receive(*CONTOSO, a_psa_account("8", "Fabrikam"))
    undone = await world.undo(await world.approve("1", "8"))

    await hear_own_news(world)

    assert (await world.newest_mappings())["1"] == undone


async def test_what_the_rule_decides_after_a_person_gave_way_to_it_stands(stored_world: MatcherWorld) -> None:
    world = stored_world
    await world.receive(*CONTOSO, a_psa_account("8", "Fabrikam"))
    await world.undo(await world.approve("1", "8"))
    await world.receive(a_psa_account("7", "Contoso"))
    taken_back = (await world.newest_mappings())["1"]

    await hear_own_news(world)

    assert taken_back.decision is MappingDecision.REVOKED
    assert (await world.newest_mappings())["1"] == taken_back


async def test_a_person_who_gave_way_to_the_rule_does_not_come_back_above_it(
    stored_world: MatcherWorld, backup: Backup
) -> None:
    world = stored_world
    await backup.take()
    await world.receive(*CONTOSO, a_psa_account("8", "Fabrikam"))
    await world.undo(await world.approve("1", "8"))
    await backup.restore()
    world.now += timedelta(minutes=1)
    await world.receive(*CONTOSO, a_psa_account("8", "Fabrikam"), a_psa_account("7", "Contoso"))

    await hear_own_news(world)
    await world.match()

    assert await world.mapped() == {}


async def test_nothing_is_told_or_stored_while_matcher_hears_what_it_knows(
    stored_world: MatcherWorld, mongo: Mongo
) -> None:
    world = stored_world
    await world.receive(*CONTOSO, a_psa_account("8", "Fabrikam"))
    await world.approve("1", "8")
    before = await world.published(), await mongo.all_tenants("mappings").find()

    await hear_own_news(world)

    assert (await world.published(), await mongo.all_tenants("mappings").find()) == before


async def test_after_a_restore_the_rule_waits_for_all_that_a_complete_run_left(
    stored_world: MatcherWorld, backup: Backup
) -> None:
    """Two companies of one name came since the backup; the first that is read again is alone for a moment."""
    world = stored_world
    await world.receive(*CONNECTED, a_vendor_account("1", "Contoso"))
    await backup.take()
    first, second = a_psa_account("8", "Contoso", revision=5), a_psa_account("9", "Contoso", revision=6)
    await world.receive(first, second)
    await backup.restore()
    world.now += timedelta(minutes=1)

    await world.ingest([first])
    await world.match()
    early = await world.mapped()
    await world.ingest([second])
    await world.close()
    await world.match()

    assert (early, await world.mapped()) == ({}, {})


async def test_a_lock_that_a_restore_took_away_is_made_again(
    stored_world: MatcherWorld, backup: Backup
) -> None:
    world = stored_world
    await backup.take()
    await world.receive(*CONTOSO)
    await backup.restore()
    world.now += timedelta(minutes=1)

    await world.receive(*CONTOSO)
    await world.exclude("1")

    assert (await world.newest_mappings())["1"].decision is MappingDecision.EXCLUDED
