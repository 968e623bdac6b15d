"""Applies the exact rule to the items in the work queue, and to every vendor item that they affect."""

# Invariant: once a work item is completed, the rule has been applied to every vendor item whose target it may
# have changed. A target depends only on items that share a label, so a changed item affects the vendor items
# under its present labels, and those under its *former* ones, whose rival it was:
#
#   PSA: 9 "Contoso"   vendor: 1 "Contoso", 2 "Contoso"   two of a name: neither is mapped
#   2 is renamed to "Fabrikam"   under the present label: 2   under the former one: 1, which is mapped to 9
#
# Former labels are those of the last comparison, stored together with its result: the item document itself is
# replaced as soon as an observation comes in, perhaps several times before it is compared.

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import structlog

from matcher.catalogue.items import (
    PSA_KINDS,
    VENDOR_KINDS,
    IntegrationInfo,
    Item,
    ItemKind,
    Labels,
    labels_of,
)
from matcher.mappings.decisions import SYSTEM, Decision, apply_decision, mapping_key
from matcher.mappings.exact import ExactOutcome, exact_outcome, revocation_reason
from matcher.mappings.match_context import MatchContext, load_context
from matcher.mappings.models import MappingsReserved
from matcher.mappings.ports import MappingStore, UnitOfWork
from matcher.mappings.readiness import take_up_undecided
from matcher.proposals.label_pairs import spelling_note
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, MappingMethod, NameEquality
from shared.errors import TransientError
from shared.runtime.attempt import attempt
from shared.runtime.backoff import Backoff
from shared.runtime.clock import Clock
from shared.work_queue import WorkItem

log = structlog.get_logger()

_KEYS_PER_BATCH = 1000
"""How many items one unit of work compares: few round trips, and still a short transaction."""
_WORK_ITEMS_PER_READ = 100

_MAP = Decision(MappingDecision.APPROVED, MappingMethod.EXACT, SYSTEM)


class ExactMatcher:
    """Works off the queue, a batch of every tenant at a time."""

    def __init__(self, store: MappingStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._backoff = Backoff[str](clock)

    async def process_next(self) -> bool:
        """Matches one batch of every tenant that has work; returns whether more may be waiting.

        A tenant whose batch fails, or whose mappings are reserved, is left alone for a minute, so that the
        others do not wait for it. Raises `TransientError` when the store is away, which is no tenant's fault.
        """
        waiting = await self._store.tenants_with_work(self._clock())
        tenants = [tenant_id for tenant_id in waiting if self._backoff.ready(tenant_id)]
        outcomes = {
            tenant_id: await attempt(self._store.run_unit_of_work(tenant_id, self._match_batch))
            for tenant_id in tenants
        }
        for tenant_id, outcome in outcomes.items():
            if isinstance(outcome, TransientError):
                raise outcome
            if isinstance(outcome, MappingsReserved):
                self._backoff.failed(tenant_id)
                log.info("tenant_reserved", tenant_id=tenant_id, plan_id=outcome.reservation.plan_id)
                continue
            if isinstance(outcome, Exception):
                self._backoff.failed(tenant_id)
                log.error("tenant_set_aside", tenant_id=tenant_id, exc_info=outcome)
        return bool(tenants)

    async def _match_batch(self, unit_of_work: UnitOfWork) -> None:
        work = _first_batch(await unit_of_work.read_due(limit=_WORK_ITEMS_PER_READ))
        keys_by_lane: dict[str, set[str]] = defaultdict(set)
        for work_item in work:
            keys_by_lane[work_item.lane].update(work_item.keys)
        for kind in ItemKind:
            # A whole integration is divided into items for later batches: it may hold any number of them.
            for integration_id in keys_by_lane.get(kind.integration_lane, ()):
                keys = await unit_of_work.keys_of_integration(kind, integration_id)
                await unit_of_work.enqueue(kind, keys)
        if not keys_by_lane.keys() <= {*ItemKind}:
            # An integration came to be known, or was disconnected: others may have waited for that alone.
            await take_up_undecided(unit_of_work)
        for mapping_kind in MappingKind:
            await self._match(unit_of_work, mapping_kind, keys_by_lane)
        await unit_of_work.complete(work)

    async def _match(
        self, unit_of_work: UnitOfWork, kind: MappingKind, keys_by_lane: Mapping[str, Collection[str]]
    ) -> None:
        vendor, psa = VENDOR_KINDS[kind], PSA_KINDS[kind]
        changed_vendor = await unit_of_work.items(vendor, keys_by_lane.get(vendor, ()))
        changed_psa = await unit_of_work.items(psa, keys_by_lane.get(psa, ()))
        equality = (await unit_of_work.matching_settings()).name_equality
        labels = await _refresh_labels(unit_of_work, vendor, changed_vendor, equality)
        labels |= await _refresh_labels(unit_of_work, psa, changed_psa, equality)
        affected = _distinct([*changed_vendor, *await unit_of_work.items_labelled(vendor, labels)])
        if not affected:
            return
        # An affected item may carry a second label (a name beside its code): its rivals under that count too.
        rivals = await unit_of_work.items_labelled(vendor, labels_of(affected, equality) - labels)
        known = _distinct([*affected, *rivals])
        context = await load_context(unit_of_work, kind, affected, known, equality=equality)
        decided, undecided = list[MappingDecided](), set[str]()
        for item in affected:
            integration = context.integrations.get(item.integration_id)
            if integration is None or not integration.connected:
                # Without its realm the mapping has no key; news of the integration enqueues all of its items.
                continue
            if not context.is_ready(integration):
                undecided.add(integration.integration_id)
            elif mapping := self._decide(context, integration, item):
                decided.append(mapping)
        await unit_of_work.note_undecided(vendor, undecided)
        await unit_of_work.record_mappings(decided, existing=context.existing)

    def _decide(self, context: MatchContext, vendor: IntegrationInfo, item: Item) -> MappingDecided | None:
        """Returns the item's new mapping; None when the existing one stays."""
        existing = context.existing.get(mapping_key(vendor, item.kind.mapping_kind, item.id))
        pending = context.pending(vendor)
        found = context.compare(item, existing, pending=pending)
        reachable = context.reachable(existing)
        outcome = exact_outcome(existing, found, pending=pending, reachable=reachable)
        decision, target = _MAP, context.match(found.target) if found.target else None
        match outcome:
            case ExactOutcome.KEEP:
                return None
            case ExactOutcome.REVOKE:
                reason = revocation_reason(found)
                decision, target = replace(_MAP, outcome=MappingDecision.REVOKED, reason=reason), None
            case ExactOutcome.MAP:
                note = spelling_note(item, found.target) if found.target else None
                decision = replace(_MAP, reason=note)
        return apply_decision(vendor, item, decision, target=target, existing=existing, at=self._clock())


async def _refresh_labels(
    unit_of_work: UnitOfWork, kind: ItemKind, items: Sequence[Item], equality: NameEquality
) -> Labels:
    """Stores the present labels of the items; returns these together with those of their last comparison."""
    present = {item.key: labels_of([item], equality) for item in items}
    former = await unit_of_work.former_labels(kind, present)
    new = {key: labels for key, labels in present.items() if key not in former}
    changed = {key: labels for key, labels in present.items() if former.get(key, labels) != labels}
    await unit_of_work.store_labels(kind, new, changed)
    all_labels = [*present.values(), *former.values()]
    return Labels(
        frozenset().union(*(labels.names for labels in all_labels)),
        frozenset().union(*(labels.codes for labels in all_labels)),
        frozenset().union(*(labels.normal_names for labels in all_labels)),
    )


def _distinct(items: Iterable[Item]) -> list[Item]:
    return list({item.key: item for item in items}.values())


def _first_batch(work: Sequence[WorkItem]) -> list[WorkItem]:
    """Returns the oldest work items with together at most `_KEYS_PER_BATCH` keys; at least one."""
    batch: list[WorkItem] = []
    keys = 0
    for work_item in work:
        keys += len(work_item.keys)
        if batch and keys > _KEYS_PER_BATCH:
            break
        batch.append(work_item)
    return batch
