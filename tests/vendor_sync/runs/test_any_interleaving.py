"""Seats move at any call of several runs; whatever is confirmed is what the account had all the time."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from account_changes import seats
from marketplace import FakeMarketplace, customers
from vendor_runs import VendorRunHarness

from shared.contracts.base import RunKind
from shared.contracts.vendor_sync import SubscriptionStatus
from shared.mongo import Mongo
from vendor_sync.marketplace import BILLABLE

TOTAL = {"c1": 15, "c2": 8}


@dataclass
class MovingSeats:
    """Moves, splits and renews the seats of two accounts of one service; their sums stay."""

    marketplace: FakeMarketplace
    random: Random
    may_renew: bool = True
    """Whether ids may end whose successors no list shows yet: not behind the last lists of a run."""
    lists: int = 0
    ids: int = 0
    moves: int = 0
    now_and_then: float = 0.3
    late: set[str] = field(default_factory=set)
    """New ids that the lists at the end of a run show, and no list before."""
    later: list[set[str]] = field(default_factory=list)
    """New ids that the lists of the run after the next show, for the last run and this one; empty without."""

    async def at_answer(self, _: str) -> None:
        self._maybe_change()

    async def at_listing(self, name: str) -> None:
        if name == "active":
            self.lists += 1
            if self.lists % 2 == 0 and not self.later:
                self.marketplace.unlisted -= self.late
                self.may_renew = False
        self._maybe_change()

    def begin_run(self) -> None:
        self.may_renew, self.lists = True, 0
        if self.later:
            before_last, last = self.later
            self.marketplace.unlisted -= before_last
            self.later = [last, set()]

    def _maybe_change(self) -> None:
        if self.random.random() > self.now_and_then:
            return
        self.moves += 1
        account_id = self.random.choice(["c1", "c2"])
        changes = [self._move, self._split, *([self._renew] if self.may_renew else [])]
        self.random.choice(changes)(account_id)

    def _held(self, account_id: str) -> dict[str, int]:
        return {
            id_: int(detail.products[0].quantity or 0)
            for id_, detail in self.marketplace.details.items()
            if detail.row.account_id == account_id and detail.row.status in BILLABLE
        }

    def _put(self, id_: str, account_id: str, quantity: int) -> None:
        self.marketplace.put(seats(id_, quantity, account_id=account_id))

    def _move(self, account_id: str) -> None:
        held = self._held(account_id)
        giver, taker = self.random.choice([*held]), self.random.choice([*held])
        count = self.random.randint(0, held[giver])
        if giver != taker:
            self._put(giver, account_id, held[giver] - count)
            self._put(taker, account_id, held[taker] + count)

    def _split(self, account_id: str) -> None:
        held = self._held(account_id)
        giver = self.random.choice([*held])
        count = self.random.randint(0, held[giver])
        self.ids += 1
        self._put(giver, account_id, held[giver] - count)
        self._put(f"n{self.ids}", account_id, count)

    def _renew(self, account_id: str) -> None:
        held = self._held(account_id)
        # One that was read: an id that came and ended between two lists, and whose successor is in no list
        # yet, cannot be known by any reader.
        known = [id_ for id_ in held if id_ in self.marketplace.calls]
        if not known:
            return
        old = self.random.choice(known)
        self.ids += 1
        self.marketplace.set_status(old, SubscriptionStatus.REMOVED)
        new = f"n{self.ids}"
        self._put(new, account_id, held[old])
        self.marketplace.unlisted.add(new)
        (self.later[-1] if self.later else self.late).add(new)


@pytest.mark.parametrize("seed", range(8))
async def test_no_sum_is_confirmed_that_the_account_never_had(mongo: Mongo, seed: int) -> None:
    marketplace = FakeMarketplace(listed_customers=customers("c1", "c2"), page_size=100)
    marketplace.put(seats("x", 10), seats("y", 5), seats("b", 8, account_id="c2"))
    random = Random(seed)  # noqa: S311  not for secrets
    world = MovingSeats(marketplace, random, now_and_then=random.choice([0.05, 0.1, 0.3]))
    harness = VendorRunHarness(mongo, marketplace)
    await harness.run("first")
    await harness.run("second")
    marketplace.before_answer, marketplace.before_listing = world.at_answer, world.at_listing

    for number in range(4):
        world.begin_run()
        kind = RunKind.QUICK if number == 2 else RunKind.FULL
        await harness.run(f"moving {number}", kind)

    for account_id, total in TOTAL.items():
        sums = [harness.seats(one, confirmed=True) for one in harness.manifests(account_id)]
        assert {sum_["M"] for sum_ in sums if "M" in sum_} <= {Decimal(total)}, (seed, sums)
    world.now_and_then = -1
    await harness.run("at rest")
    for account_id, total in TOTAL.items():
        assert harness.seats(harness.last_manifest(account_id), confirmed=True) == {"M": total}


@pytest.mark.parametrize("seed", range(6))
async def test_no_sum_is_confirmed_while_lists_show_renewals_hours_late(mongo: Mongo, seed: int) -> None:
    """At any time of a run, and in every list: those at its end and those of the account alone as well."""
    marketplace = FakeMarketplace(listed_customers=customers("c1", "c2"), page_size=100)
    marketplace.put(seats("x", 10), seats("y", 5), seats("b", 8, account_id="c2"))
    random = Random(seed)  # noqa: S311  not for secrets
    world = MovingSeats(marketplace, random, now_and_then=random.choice([0.05, 0.1]), later=[set(), set()])
    harness = VendorRunHarness(mongo, marketplace, renewals_listed_within=timedelta(hours=5))
    await harness.run("first")
    await harness.run("second")
    marketplace.before_answer, marketplace.before_listing = world.at_answer, world.at_listing

    for number in range(6):
        await harness.let_time_pass(timedelta(hours=2))
        world.begin_run()
        await harness.run(f"moving {number}", random.choice([*RunKind]))

    for account_id, total in TOTAL.items():
        sums = [harness.seats(one, confirmed=True) for one in harness.manifests(account_id)]
        assert {sum_["M"] for sum_ in sums if "M" in sum_} == {Decimal(total)}, (seed, sums)
    world.now_and_then = -1
    for number in range(2):
        world.begin_run()
        await harness.let_time_pass(timedelta(hours=5))
        await harness.run(f"at rest {number}")
    for account_id, total in TOTAL.items():
        assert harness.seats(harness.last_manifest(account_id), confirmed=True) == {"M": total}
