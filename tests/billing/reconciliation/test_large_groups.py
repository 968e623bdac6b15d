"""A group of very many subscriptions: bounded memory, one line, everything counted."""

import asyncio
import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from billing_world import World, a_mapped_world
from manifest_builders import ACME, LISTED, READ_AT
from observation_builders import NOW, TENANT, a_subscription, an_agreement_line
from usage_builders import a_group

from billing.reconciliation.group_calculation import calculate_group
from billing.reconciliation.inputs import AccountGroupLoader
from billing.reconciliation.leader import ReconcilerLeader
from billing.reconciliation.reconciler import Reconciler
from billing.usage.calendar import TenantCalendar
from billing.usage.manifest_reader import HEADERS, PARTS, header_id, part_id
from billing.usage.usage_line import SHOWN_ITEMS, UsageLine
from shared.contracts.billing import LineClass
from shared.mongo import Documents, Mongo
from shared.runtime.leases import Leases

VERY_MANY, MANY = 50_000, 10_000
PER_PART = 2_000
MOST_BYTES_EACH = 150_000_000 // VERY_MANY
"""Of memory for each subscription; traced memory takes ten times as long, so it is measured with fewer."""


@dataclass
class MadeRows:
    """A collection whose documents are made when they are asked for."""

    make: Callable[[str], dict[str, Any] | None]
    others: Documents

    async def get_many(self, ids: Iterable[str], **more: Any) -> dict[str, Any]:
        await asyncio.sleep(0)  # a store lets others run
        made = {id_: self.make(id_) for id_ in ids}
        stored = await self.others.get_many([id_ for id_, row in made.items() if row is None], **more)
        return {id_: row for id_, row in made.items() if row is not None} | stored


class LargeMarketplace:
    """The world's store, in which acme has many subscriptions, of one seat unless `seats` says otherwise."""

    def __init__(self, mongo: Mongo, amount: int) -> None:
        self._mongo = mongo
        self.seats, self.prices = dict[int, int](), dict[int, str]()
        parts = range(1, amount // PER_PART + 1)
        self._parts = {part_id(TENANT, ACME, LISTED + 50, part): part for part in parts}
        self._made = a_subscription(1).model_dump(mode="json")

    def documents(self, name: str, tenant_id: str) -> Any:
        documents = self._mongo.documents(name, tenant_id)
        if name == "subscriptions":
            return MadeRows(self._subscription, documents)
        return MadeRows(self._part, documents) if name == PARTS else documents

    def _subscription(self, key: str) -> dict[str, Any] | None:
        number = int(key.rsplit("-", 1)[1])
        stated = {"quantity": str(self.seats.get(number, 1)), "unit_price": self.prices.get(number)}
        line = self._made["lines"][0] | stated
        id_ = f"sub-{number}"
        return self._made | {"_id": key, "subscription_id": id_, "name": f"Seats {number}", "lines": [line]}

    def _part(self, id_: str) -> dict[str, Any] | None:
        if id_ not in self._parts:
            return None
        first = (self._parts[id_] - 1) * PER_PART
        numbers = range(first, first + PER_PART)
        return {
            "_id": id_,
            "ref": ACME.encode(),
            "things": [[f"sub-{number}", 10, LISTED, READ_AT] for number in numbers],
        }


class LargeWorld:
    """A world whose reconciler finds very many subscriptions under acme; co1 is billed for 5."""

    def __init__(self, world: World, amount: int) -> None:
        self.world, self.marketplace = world, LargeMarketplace(world.mongo, amount)
        calendars = {TENANT: TenantCalendar(id=TENANT, currency="USD")}
        groups = AccountGroupLoader(self.marketplace, calendars, world.feeds)  # type: ignore[arg-type]  # a fake
        reconciler = Reconciler(world.queue, groups, world.lines, world.news, clock=world.clock)
        self.leader = ReconcilerLeader(reconciler, Leases(world.mongo), world.lines.acquire_fence)

    async def reconcile(self) -> UsageLine:
        await self.world.queue.enqueue_refs(TENANT, [ACME])
        while await self.leader.step():
            pass
        return await self.world.line()


async def a_large_world(mongo: Mongo, amount: int = MANY) -> LargeWorld:
    world = await a_mapped_world(mongo, an_agreement_line(5))
    headers = mongo.documents(HEADERS, TENANT)
    header = {
        "current.parts": amount // PER_PART,
        "current.revision": LISTED + 50,
        "current.read_from": READ_AT,
        "current.things_read_from": READ_AT,
    }
    await headers.change({"_id": header_id(TENANT, ACME)}, {"$set": header})
    await world.leader.release()
    return LargeWorld(world, amount)


async def test_a_group_of_very_many_subscriptions_is_one_line_with_a_bounded_document(mongo: Mongo) -> None:
    large = await a_large_world(mongo, VERY_MANY)
    large.marketplace.seats = {VERY_MANY - 1: 4}

    line = await large.reconcile()

    assert (line.vendor_count.number, line.psa_count.number) == (Decimal(VERY_MANY + 3), Decimal(5))
    assert line.line_class is LineClass.VENDOR_HIGHER
    more = line.evidence.more
    assert more
    assert (len(line.evidence.items), more.count) == (SHOWN_ITEMS, VERY_MANY - SHOWN_ITEMS)
    assert sum(item.quantity or 0 for item in line.evidence.items) + more.quantity == VERY_MANY + 3


async def test_a_large_group_holds_up_nobody_while_it_is_calculated() -> None:
    turns: list[bool] = []
    bought = [a_subscription(1, id_=f"sub-{number}") for number in range(4_000)]
    group = a_group(*bought)

    async def others() -> None:
        while True:
            turns.append(True)
            await asyncio.sleep(0.001)

    running = asyncio.ensure_future(others())
    [line] = await calculate_group(group, NOW)
    running.cancel()

    assert line.vendor_count.number == Decimal(4_000)
    assert len(turns) > 2


async def test_a_large_group_is_calculated_in_bounded_memory(mongo: Mongo) -> None:
    large = await a_large_world(mongo)
    tracemalloc.start()
    try:
        line = await large.reconcile()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert line.vendor_count.number == Decimal(MANY)
    assert peak < MANY * MOST_BYTES_EACH, f"{peak:,} bytes"


async def test_a_change_of_an_item_that_is_not_shown_changes_the_seal(mongo: Mongo) -> None:
    large = await a_large_world(mongo)
    before = await large.reconcile()
    shown = {item.subscription_id for item in before.evidence.items}
    hidden = next(number for number in range(MANY) if f"sub-{number}" not in shown)

    large.marketplace.prices = {hidden: "3.5"}
    after = await large.reconcile()

    assert after.evidence.items == before.evidence.items
    assert after.vendor_count == before.vendor_count
    assert after.seal != before.seal


async def test_the_age_of_what_is_not_shown_is_known(mongo: Mongo) -> None:
    large = await a_large_world(mongo)
    line = await large.reconcile()
    assert line.vendor_count.as_of == READ_AT
    later = READ_AT + timedelta(days=1)
    hidden = line.evidence.more
    assert hidden
    assert [(account.account_id, account.as_of) for account in hidden.accounts] == [("acme", READ_AT)]

    current = {
        "current.read_from": later,
        "current.things_read_from": READ_AT + timedelta(hours=3),
        "current.read_at": [[f"sub-{number}", later] for number in range(1, MANY)],
    }
    headers = mongo.documents(HEADERS, TENANT)
    await headers.change({"_id": header_id(TENANT, ACME)}, {"$set": current})

    # Which thing of the account was read early is not known of those that are not shown.
    assert (await large.world.line()).vendor_count.as_of == READ_AT + timedelta(hours=3)


async def test_the_largest_are_shown_in_the_order_of_their_ids(mongo: Mongo) -> None:
    large = await a_large_world(mongo)
    large.marketplace.seats = dict.fromkeys(range(MANY - 150, MANY), 5)

    line = await large.reconcile()

    shown = [item.subscription_id for item in line.evidence.items]
    assert {f"sub-{number}" for number in range(MANY - 150, MANY)} < set(shown)
    assert (len(shown), shown) == (SHOWN_ITEMS, sorted(shown))
