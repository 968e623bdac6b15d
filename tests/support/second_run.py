"""A second run's manifests of acme, which has bought seven and is billed for seven."""

from typing import Any

from billing_world import World, a_mapped_world
from manifest_builders import ACME, an_account_read
from observation_builders import TENANT, VENDOR, a_finished_run, a_subscription, an_agreement_line

from billing.usage.manifest_reader import HEADERS, PARTS
from shared.mongo import Mongo

ONE, OTHER = a_subscription(5, revision=20_000), a_subscription(4, id_="sub2", revision=20_001)
SECOND: dict[str, Any] = {"run_id": "run-2", "first_revision": 15_000, "sync_id": "sync-2"}


def a_part(things: list[Any], part: int = 1, parts: int = 2, *, revision: int = 30_000, **more: Any) -> Any:
    return an_account_read(
        ACME, things, **{"run_id": "run-2"} | more, revision=revision, part=part, parts=parts
    )


async def a_seven(mongo: Mongo) -> World:
    """A world in which acme has bought seven and is billed for seven."""
    return await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))


async def the_number(world: World) -> Any:
    [line] = [line for line in await world.stored() if line.psa_account_id]
    return line.vendor_count.number


async def unread_of_run(world: World, *, close: bool = True) -> dict[str, str]:
    """The accounts that run-2 is said to be short of, once it is not waited for any longer."""
    if close:
        await world.run_closer.record([a_finished_run(1, **SECOND)])
        await world.settle()
        world.advance(minutes=10)
        await world.settle()
        return {one["account_id"]: one["reason"] for one in (await the_run(world))["unread_accounts"]}
    return dict(await world.manifests.unapplied_accounts(TENANT, VENDOR, "run-2"))


async def the_run(world: World) -> dict[str, Any]:
    [row] = await world.mongo.documents("runs", TENANT).find({"run_id": "run-2"})
    return row


async def waiting_parts(world: World) -> int:
    """How many parts no header names."""
    headers = await world.mongo.documents(HEADERS, TENANT).find()
    places = [(row["ref"], row[name]) for row in headers for name in ("current", "before", "believed")]
    named = {(ref, place["revision"]) for ref, place in places if place}
    parts = await world.mongo.documents(PARTS, TENANT).find()
    return sum((part["ref"], part["revision"]) not in named for part in parts)
