"""A world of twelve usage lines, read again and again by one run after the other."""

from collections.abc import Iterable
from typing import Any

from billing_world import World, a_mapped_world
from observation_builders import (
    TENANT,
    VENDOR,
    a_line,
    a_mapping,
    a_subscription,
    an_agreement_line,
)

from billing.usage.usage_line import UsageLine
from shared.contracts.psa_sync import AgreementLineObserved
from shared.contracts.vendor_sync import SubscriptionObserved
from shared.mongo import Mongo

LINES = 12
NUMBERS = range(1, LINES + 1)


def bought(*quantities: int, revision: int, **more: Any) -> SubscriptionObserved:
    """One subscription of twelve services, of so many seats each; the last is that of all the rest."""
    every = [*quantities, *[quantities[-1]] * (LINES - len(quantities))]
    lines = (a_line(quantity, service=f"svc{n}") for n, quantity in zip(NUMBERS, every, strict=True))
    return a_subscription(lines=tuple(lines), revision=revision, **more)


def billed(*quantities: int, revision: int = 10, **more: Any) -> list[AgreementLineObserved]:
    """An agreement line for each of twelve products, of so many units each."""
    every = [*quantities, *[quantities[-1]] * (LINES - len(quantities))]
    return [
        an_agreement_line(quantity, id_=f"add{n}", product_id=f"prod{n}", revision=revision, **more)
        for n, quantity in zip(NUMBERS, every, strict=True)
    ]


async def a_fed_world(mongo: Mongo) -> World:
    """Ten of each are bought and billed, by the first run of each side."""
    mappings = [a_mapping("service", f"svc{n}", f"prod{n}") for n in NUMBERS]
    return await a_mapped_world(mongo, bought(10, revision=10), *billed(10), *mappings)


async def read_by(
    world: World, run_id: str, *news: SubscriptionObserved | AgreementLineObserved, **manifests: Any
) -> None:
    """A run has read that, its manifests count, and all that follows from them is done."""
    await world.ingest(*news)
    integration_id = news[0].integration_id if news else VENDOR
    await world.ingest(*world.manifests_of(integration_id, run_id=run_id, **manifests))
    await carry_out(world)


async def carry_out(world: World) -> None:
    await world.settle()
    await world.feed_breaker.step()
    await world.settle()


async def held_runs(world: World) -> list[str]:
    """The ids of the runs that wait for a person."""
    return [held.run_id for held in await world.feeds.holds(TENANT) if held.state == "held"]


async def reasons(world: World) -> set[str | None]:
    return {line.reason for line in await world.stored()}


def vendor_numbers(lines: Iterable[UsageLine]) -> set[int | None]:
    return {None if line.vendor_count.number is None else int(line.vendor_count.number) for line in lines}
