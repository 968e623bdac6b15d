"""Killed after any write of the store, billing ends as if nothing had happened."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, cast

from billing_world import COLLECTIONS, World, a_world
from manifest_builders import account_reads
from observation_builders import (
    PSA,
    TENANT,
    VENDOR,
    a_finished_run,
    a_mapping,
    a_subscription,
    an_agreement_line,
    an_integration,
)

from shared.contracts.base import State
from shared.mongo import Documents, Mongo

WRITES = ("insert", "insert_many", "insert_new", "put", "bulk", "change", "remove", "remove_many")


class Killed(BaseException):
    """The process is gone; nothing of ours catches this."""


class MortalDocuments:
    """A collection that dies with the process, before or after the write that is its last."""

    def __init__(self, documents: Documents, life: "Life") -> None:
        self._documents, self._life = documents, life

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._documents, name)
        return self._life.counted(method) if name in WRITES else method


class Life:
    """How many writes are left."""

    def __init__(self, writes: int) -> None:
        self.left = writes

    def counted(self, write: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def mortal(*args: Any, **more: Any) -> Any:
            result = await write(*args, **more)
            self.left -= 1
            if self.left == 0:
                raise Killed
            return result

        return mortal


class MortalMongo:
    """The same store, seen by a process that will die."""

    def __init__(self, mongo: Mongo, life: Life) -> None:
        self._mongo, self._life = mongo, life

    def documents(self, name: str, tenant_id: str) -> Any:
        return MortalDocuments(self._mongo.documents(name, tenant_id), self._life)

    def all_tenants(self, name: str) -> Any:
        return MortalDocuments(self._mongo.all_tenants(name), self._life)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._mongo, name)


STORY: tuple[tuple[State, ...], ...] = (
    (an_integration(VENDOR), an_integration(PSA)),
    (a_mapping("account", "acme", "co1"), a_mapping("service", "svc1", "prod1")),
    (a_subscription(7), a_subscription(2, id_="s2")),
    (an_agreement_line(5),),
    (a_subscription(8, revision=11), a_subscription(2, id_="s2", revision=12, present=False, lines=())),
    tuple(account_reads([a_subscription(7), a_subscription(2, id_="s2")], revision=1_001)),
    tuple(account_reads([an_agreement_line(5)])),
    tuple(account_reads([a_subscription(8, revision=11)], revision=2_001, nth=2)),
)
ENDS = (a_finished_run(2), a_finished_run(1, integration_id=PSA, sync_id="sync-2"))


async def tell(world: World) -> None:
    """The whole story, as Kafka delivers it after a restart: from the last commit, or from the start."""
    for batch in STORY:
        await world.ingest(*batch)
        await world.applier.step()
        await world.reconcile()
    await world.run_closer.record(ENDS)
    async with asyncio.timeout(60):
        while await open_runs(world.mongo):  # as the jobs do: again and again, until all is closed
            await world.settle()
    await world.settle()
    await world.leader.release()


async def open_runs(mongo: Mongo) -> int:
    return await mongo.documents("runs", TENANT).count({"state": "heard"})


async def ending(mongo: Mongo) -> tuple[Any, ...]:
    """What must be the same: lines but for their revisions, runs, and each completion said once."""
    lines = await mongo.documents("usage_lines", TENANT).find({"present": True}, sort=[("_id", 1)])
    runs = await mongo.documents("runs", TENANT).find(sort=[("_id", 1)])
    said = await mongo.all_tenants("outbox").find({"topic": "billing.reconciliation-completed.v1"})
    headers = await mongo.documents("manifests", TENANT).find(sort=[("_id", 1)])
    parts = await mongo.documents("manifest_parts", TENANT).find(sort=[("_id", 1)])
    history = await mongo.documents("observations", TENANT).find(sort=[("_id", 1)])
    return (
        [(line["_id"], line["seal"], line["line_class"], line["vendor_count"]["number"]) for line in lines],
        [(run["_id"], run["state"], run["verdict"], run["totals"]) for run in runs],
        sorted(row["key"] for row in said),
        [row["_id"] for row in history],
        [(row["_id"], row["current"]["revision"], bool(row["before"])) for row in headers],
        [row["_id"] for row in parts],
        await mongo.all_tenants("manifest_arrivals").count(),
        await mongo.all_tenants("work_items").count(),
    )


async def test_killed_after_whatever_write_the_story_ends_the_same(mongo: Mongo) -> None:
    await tell(await a_world(mongo))
    want = await ending(mongo)
    writes = await lives(mongo, 10**6)

    for last in range(1, writes + 1, 2):  # every second one keeps this under ten seconds
        await lives(mongo, last)
        await tell(World(mongo))

        assert await ending(mongo) == want, f"killed after write {last} of {writes}"


async def lives(mongo: Mongo, writes: int) -> int:
    """A process on an empty store that dies after so many writes; its leases run out."""
    for name in COLLECTIONS:
        await mongo.all_tenants(name).remove({})
    life = Life(writes)
    with suppress(Killed):
        await tell(World(cast("Mongo", MortalMongo(mongo, life))))
    await mongo.all_tenants("leases").remove({})
    return writes - life.left
