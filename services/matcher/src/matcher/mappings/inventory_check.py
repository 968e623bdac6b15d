"""Finds out when all that a complete run left behind is stored, and then lets its items be matched."""

# Invariant: an inventory is marked as verified only after the stored items were exactly its items. What still
# travels is waited for, with longer and longer pauses; after a deadline the service says which inventory is
# not stored whole (a message that was set aside, a database that was restored), and goes on looking:
#
#   heard 10:00:00, looked at 10:00:01, :02, … 10:05:00, :30 …   from 10:10:00 on degraded, nothing is matched

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from matcher.catalogue.inventory import Inventory
from matcher.catalogue.ports import Catalogue
from matcher.mappings.ports import MappingStore, UnitOfWork
from matcher.mappings.readiness import take_up_undecided
from shared.errors import TransientError
from shared.runtime.attempt import attempt
from shared.runtime.clock import Clock

log = structlog.get_logger()

_DEADLINE = timedelta(minutes=10)
"""By then Kafka has brought what was published before the run ended."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=1)


class InventoryCheck:
    """Compares inventories with what is stored."""

    def __init__(
        self, catalogue: Catalogue, store: MappingStore, clock: Clock, wake: Callable[[], None]
    ) -> None:
        """`wake` starts the matching job, for work has come up."""
        self._catalogue, self._store, self._clock, self._wake = catalogue, store, clock, wake
        self._next_looks: dict[tuple[str, int], datetime] = {}
        """By the key and revision of unverified inventories; a restart looks at each at once."""
        self._incomplete: dict[tuple[str, int], str] = {}
        """A sentence for each inventory that is past its deadline."""

    async def check_next(self) -> None:
        """Looks at each inventory that is due; raises `TransientError` when the store is away.

        An error of ours in one leaves the others to go on, and is logged.
        """
        inventories = {(one.key, one.revision): one for one in await self._catalogue.unverified_inventories()}
        self._incomplete = {key: why for key, why in self._incomplete.items() if key in inventories}
        self._next_looks = {key: at for key, at in self._next_looks.items() if key in inventories}
        for key, inventory in inventories.items():
            now = self._clock()
            if now < self._next_looks.get(key, now):
                continue
            pause = (now - inventory.heard_at) / 10
            self._next_looks[key] = now + max(_SHORTEST_PAUSE, min(pause, _LONGEST_PAUSE))
            error = await attempt(self._check(inventory))
            if isinstance(error, TransientError):
                raise error
            if isinstance(error, Exception):
                log.error("inventory_set_aside", inventory=inventory.key, exc_info=error)

    def degradation(self) -> str | None:
        """Returns which inventories are not stored whole, as a sentence; None when all are."""
        if not self._incomplete:
            return None
        example = next(iter(self._incomplete.values()))
        return f"inventories that are not stored whole: {len(self._incomplete)}, among them {example}"

    async def _check(self, inventory: Inventory) -> None:
        if await self._catalogue.is_outdated(inventory):
            return  # a later run has stated something by now: its own inventory will come
        stored = await self._catalogue.stored_checksum(inventory)
        if stored == inventory.stated:
            await self._store.run_unit_of_work(inventory.tenant_id, partial(_verify, inventory=inventory))
            self._wake()
            log.info("inventory_verified", inventory=inventory.key, run_id=inventory.run_id)
        elif self._clock() - inventory.heard_at >= _DEADLINE:
            self._note_incomplete(inventory, stored.things)

    def _note_incomplete(self, inventory: Inventory, stored_things: int) -> None:
        key = inventory.key, inventory.revision
        if key not in self._incomplete:
            log.warning(
                "inventory_incomplete",
                inventory=inventory.key,
                run_id=inventory.run_id,
                stated=inventory.stated.things,
                stored=stored_things,
            )
        self._incomplete[key] = (
            f"{inventory.kind} of integration {inventory.integration_id}: {stored_things} are stored, "
            f"{inventory.stated.things} are stated by run {inventory.run_id}; none is mapped by itself"
        )


async def _verify(unit_of_work: UnitOfWork, *, inventory: Inventory) -> None:
    await unit_of_work.mark_verified(inventory)
    await take_up_undecided(unit_of_work)
