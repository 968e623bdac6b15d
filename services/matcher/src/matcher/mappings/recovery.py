"""Follows matcher's own decisions, which are news to it only when its database was restored."""

# Invariant: what a person decided outlives a restore of the database. Every decision was published with it,
# so what is published, and neither stored nor history, was lost; and where the exact rule has decided anew in
# between, on what an older database knew, a person's decision comes back above it:
#
#   stored r5                      told r5 → nothing     told r9 → stored as it is, and not published again
#   stored r20, by the exact rule  told r9, by a person → published as r21: the rule overrules nobody
#   stored r20, history r10 r9     told r9 → nothing: with r10 the person gave way to the rule
#
# What came back and is the exact rule's is looked at again: it was decided on other ground.

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial

import structlog

from matcher.catalogue.items import VENDOR_KINDS, ItemKind
from matcher.mappings.decisions import SYSTEM, next_revision, replaced_by_next
from matcher.mappings.models import MappingsReserved
from matcher.mappings.ports import MappingStore, UnitOfWork
from shared.contracts.base import key_of
from shared.contracts.matcher import MappingDecided, MappingMethod
from shared.errors import TransientError
from shared.runtime.clock import Clock

log = structlog.get_logger()


class MappingRecovery:
    """Takes in what matcher published."""

    def __init__(self, store: MappingStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def catch_up(self, told: Sequence[MappingDecided]) -> None:
        """Stores what is newer than what is stored; usually that is nothing.

        Raises `TransientError` when it must decide, and the tenant's mappings are reserved.
        """
        by_tenant: defaultdict[str, list[MappingDecided]] = defaultdict(list)
        for mapping in sorted(told, key=lambda one: one.revision):
            by_tenant[mapping.tenant_id].append(mapping)
        for tenant_id, of_tenant in by_tenant.items():
            try:
                work = partial(self._recover, told=of_tenant)
                recovered = await self._store.run_unit_of_work(tenant_id, work)
            except MappingsReserved as reserved:  # for the message no fault: it is read again
                raise TransientError(str(reserved)) from reserved
            if recovered:
                log.error("mappings_recovered", tenant_id=tenant_id, mappings=recovered)

    async def _recover(self, unit_of_work: UnitOfWork, *, told: Sequence[MappingDecided]) -> int:
        """Recovers what `told` says, the oldest first; returns how many mappings."""
        newest = {mapping.key: mapping for mapping in told}
        by_people = {mapping.key: mapping for mapping in told if mapping.decided_by != SYSTEM}
        stored = await unit_of_work.mappings(newest)
        lost = {key: mapping for key, mapping in newest.items() if _is_newer(mapping, stored.get(key))}
        now_stored = {**stored, **lost}
        candidates = [one for key, one in by_people.items() if _may_be_overruled(one, now_stored[key])]
        known = await unit_of_work.replaced_revisions(candidates)
        overruled = [
            self._put_above(now_stored[one.key], one)
            for one in candidates
            if (one.key, one.revision) not in known
        ]
        await unit_of_work.restore_mappings(list(lost.values()), existing=stored)
        await unit_of_work.record_mappings(overruled, existing=now_stored)
        await _enqueue_exact(unit_of_work, lost.values())
        return len(lost) + len(overruled)

    def _put_above(self, stored: MappingDecided, by_person: MappingDecided) -> MappingDecided:
        revision = next_revision(stored, self._clock())
        return by_person.model_copy(update={"revision": revision, "replaced": replaced_by_next(stored)})


def _is_newer(told: MappingDecided, stored: MappingDecided | None) -> bool:
    return stored is None or told.revision > stored.revision


def _may_be_overruled(by_person: MappingDecided, stored: MappingDecided) -> bool:
    """Whether the exact rule stands above a person's decision that was not one to give way to it."""
    return (
        by_person.revision < stored.revision
        and by_person.method is not MappingMethod.EXACT
        and stored.decided_by == SYSTEM
    )


async def _enqueue_exact(unit_of_work: UnitOfWork, restored: Iterable[MappingDecided]) -> None:
    by_kind: defaultdict[ItemKind, set[str]] = defaultdict(set)
    for one in restored:
        if one.method is MappingMethod.EXACT:
            item_key = key_of(one.tenant_id, one.vendor_integration_id, one.vendor_id)
            by_kind[VENDOR_KINDS[one.kind]].add(item_key)
    for kind, keys in by_kind.items():
        await unit_of_work.enqueue(kind, keys)
