"""What a person decides about one vendor item; the exact rule never overrules it."""

from dataclasses import dataclass
from functools import partial

from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS
from matcher.catalogue.lookups import find_connected_integration, find_integration, find_item
from matcher.mappings.decisions import Decision, PsaMatch, apply_decision, mapping_key, same_decision
from matcher.mappings.ports import MappingStore, UnitOfWork
from shared.contracts.base import Side
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, MappingMethod
from shared.errors import Conflict, NotFound
from shared.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class VendorItemRef:
    """Names the vendor item that is decided on."""

    tenant_id: str
    kind: MappingKind
    vendor_integration_id: str
    vendor_id: str


@dataclass(frozen=True, slots=True)
class PsaItemRef:
    """Names the PSA item that a person chose."""

    integration_id: str
    id: str


class MappingService:
    """Maps, excludes and revokes. The same decision again stores and publishes nothing."""

    def __init__(self, store: MappingStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def approve(self, vendor_item: VendorItemRef, chosen: PsaItemRef, by: str) -> MappingDecided:
        """Maps the vendor item. Raises `NotFound` or `Conflict` when either end cannot be mapped."""
        decision = Decision(MappingDecision.APPROVED, MappingMethod.MANUAL, by)
        return await self._decide(vendor_item, decision, chosen)

    async def exclude(self, vendor_item: VendorItemRef, reason: str, by: str) -> MappingDecided:
        """Leaves the vendor item out of billing. Raises `NotFound` when it was never observed."""
        decision = Decision(MappingDecision.EXCLUDED, MappingMethod.MANUAL, by, reason)
        return await self._decide(vendor_item, decision, None)

    async def revoke(self, vendor_item: VendorItemRef, by: str) -> MappingDecided:
        """Leaves the item undecided, and the exact rule out of it. Raises `NotFound` without a decision."""
        decision = Decision(MappingDecision.REVOKED, MappingMethod.MANUAL, by)
        return await self._decide(vendor_item, decision, None)

    async def _decide(
        self, vendor_item: VendorItemRef, decision: Decision, chosen: PsaItemRef | None
    ) -> MappingDecided:
        work = partial(self._record, vendor_item=vendor_item, decision=decision, chosen=chosen)
        return await self._store.run_unit_of_work(vendor_item.tenant_id, work)

    async def _record(
        self,
        unit_of_work: UnitOfWork,
        *,
        vendor_item: VendorItemRef,
        decision: Decision,
        chosen: PsaItemRef | None,
    ) -> MappingDecided:
        vendor = await find_integration(unit_of_work, vendor_item.vendor_integration_id, Side.VENDOR)
        item = await find_item(unit_of_work, VENDOR_KINDS[vendor_item.kind], vendor, vendor_item.vendor_id)
        key = mapping_key(vendor, vendor_item.kind, item.id)
        existing = (await unit_of_work.mappings([key])).get(key)
        if existing is None and decision.outcome is MappingDecision.REVOKED:
            raise NotFound(
                f"nothing is decided on {item.kind.display_name} {item.id}: there is nothing to revoke"
            )
        target = await _find_target(unit_of_work, vendor_item.kind, chosen) if chosen else None
        mapping = apply_decision(vendor, item, decision, target=target, existing=existing, at=self._clock())
        # No new revision and no message: a repeated request must not look like a second decision.
        if existing is not None and same_decision(existing, mapping):
            return existing
        await unit_of_work.record_mappings([mapping], existing=[key] if existing else [])
        return mapping


async def _find_target(unit_of_work: UnitOfWork, kind: MappingKind, chosen: PsaItemRef) -> PsaMatch:
    psa = await find_connected_integration(unit_of_work, chosen.integration_id, Side.PSA)
    item = await find_item(unit_of_work, PSA_KINDS[kind], psa, chosen.id)
    if not item.usable:
        raise Conflict(
            f"{item.kind.display_name} {item.id} ({item.name}) is inactive or gone: choose an active one"
        )
    return PsaMatch(psa, item)
