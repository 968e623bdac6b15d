"""What manifests cost the store that say what is known, or come together."""

from collections.abc import Collection, Mapping

from billing_world import World, a_world
from observation_builders import TENANT, VENDOR, a_subscription

from billing.observations.manifest_repository import ManifestRepository
from billing.observations.manifests import StoredStatements
from billing.usage.ref import Ref
from shared.mongo import Mongo


class AttentiveRepository(ManifestRepository):
    """Keeps what was looked up."""

    def __init__(self, world: World) -> None:
        super().__init__(world.mongo, world.queue, clock=world.clock)
        self.looked_up: list[int] = []

    async def look_up(
        self, tenant_id: str, statements: Mapping[Ref, Collection[tuple[str, int]]]
    ) -> dict[Ref, StoredStatements]:
        self.looked_up.append(sum(len(of_one) for of_one in statements.values()))
        return await super().look_up(tenant_id, statements)


async def test_a_manifest_that_says_the_same_looks_for_no_observation_again(mongo: Mongo) -> None:
    world = await a_world(mongo)
    world.manifests = repository = AttentiveRepository(world)
    world._build_manifests()  # noqa: SLF001  the applier on this repository
    await world.read(a_subscription(7), a_subscription(2, id_="s2"))

    await world.ingest(*world.manifests_of(VENDOR, run_id="run-2"))
    await world.apply()
    await world.read(a_subscription(8, revision=world.revision + 10))

    assert [count for count in repository.looked_up if count] == [2, 1], "two new ones, none, one changed"


async def test_the_manifests_of_a_transaction_are_noted_together(mongo: Mongo) -> None:
    world = await a_world(mongo)
    things = [a_subscription(7), a_subscription(2, id_="s2", account="beta")]

    await world.read(*things)

    assert await mongo.all_tenants("manifest_receipts").count() == 1
    assert (await world.manifests.applied_of_run(TENANT, VENDOR, "run-1")).manifests == 2
