"""Follows matcher's own decisions, which are news to it only when its database was restored."""

# Invariant: what a person decided outlives a restore of the database. Every decision was published with it,
# so what is published and not stored was lost; and where the exact rule has decided anew in between, on what
# an older database knew, a person's decision comes back above it:
#
#   stored r5                      told r5 → nothing     told r9 → stored as it is, and not published again
#   stored r20, by the exact rule  told r9, by a person → published as r21: the rule overrules nobody

from collections import defaultdict
from collections.abc import Sequence
from functools import partial

import structlog

from matcher.mappings.decisions import next_revision, replaced_by_next
from matcher.mappings.ports import MappingStore, UnitOfWork
from shared.contracts.matcher import MappingDecided, MappingMethod
from shared.runtime.clock import Clock

log = structlog.get_logger()


class MappingRecovery:
    """Takes in what matcher published."""

    def __init__(self, store: MappingStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def catch_up(self, told: Sequence[MappingDecided]) -> None:
        """Stores what is newer than what is stored; usually that is nothing."""
        by_tenant: defaultdict[str, list[MappingDecided]] = defaultdict(list)
        for mapping in sorted(told, key=lambda one: one.revision):
            by_tenant[mapping.tenant_id].append(mapping)
        for tenant_id, of_tenant in by_tenant.items():
            recovered = await self._store.run_unit_of_work(tenant_id, partial(self._recover, told=of_tenant))
            if recovered:
                log.error("mappings_recovered", tenant_id=tenant_id, mappings=recovered)

    async def _recover(self, unit_of_work: UnitOfWork, *, told: Sequence[MappingDecided]) -> int:
        """Recovers what `told` says, the oldest first; returns how many mappings."""
        newest = {mapping.key: mapping for mapping in told}
        by_people = {mapping.key: mapping for mapping in told if mapping.method is not MappingMethod.EXACT}
        stored = await unit_of_work.mappings(newest)
        lost = {key: mapping for key, mapping in newest.items() if _is_newer(mapping, stored.get(key))}
        now_stored = {**stored, **lost}
        overruled = [
            self._put_above(now_stored[key], mapping)
            for key, mapping in by_people.items()
            if _is_overruled(mapping, now_stored[key])
        ]
        await unit_of_work.restore_mappings(list(lost.values()), existing=stored)
        await unit_of_work.record_mappings(overruled, existing=now_stored)
        return len(lost) + len(overruled)

    def _put_above(self, stored: MappingDecided, by_person: MappingDecided) -> MappingDecided:
        revision = next_revision(stored, self._clock())
        return by_person.model_copy(update={"revision": revision, "replaced": replaced_by_next(stored)})


def _is_newer(told: MappingDecided, stored: MappingDecided | None) -> bool:
    return stored is None or told.revision > stored.revision


def _is_overruled(by_person: MappingDecided, stored: MappingDecided) -> bool:
    """Whether the exact rule stands above a person's decision: it does so after a restore alone."""
    return by_person.revision < stored.revision and stored.method is MappingMethod.EXACT
