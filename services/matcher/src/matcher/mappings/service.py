"""What a person decides about one vendor item; exact matching never overrules it."""

from dataclasses import dataclass
from functools import partial

from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS
from matcher.mappings.decisions import Decision, PsaMatch, decided, mapping_key, same_decision
from matcher.mappings.lookups import connected, integration_of, item_of
from matcher.mappings.ports import Clock, MatcherStore, UnitOfWork
from shared.contracts.base import Side
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, MappingMethod
from shared.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class VendorItemRef:
    """The vendor item that is decided on."""

    tenant_id: str
    kind: MappingKind
    vendor_integration_id: str
    vendor_id: str


@dataclass(frozen=True, slots=True)
class PsaItemRef:
    """The PSA item that a person chose."""

    integration_id: str
    id: str


class MappingService:
    """Maps, excludes and revokes; the same decision again changes nothing and says nothing."""

    def __init__(self, store: MatcherStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def approve(self, subject: VendorItemRef, chosen: PsaItemRef, by: str) -> MappingDecided:
        """Raises `NotFound` or `Conflict` when either end cannot be mapped."""
        ruling = Decision(MappingDecision.APPROVED, MappingMethod.MANUAL, by)
        return await self._decide(subject, ruling, chosen)

    async def exclude(self, subject: VendorItemRef, reason: str, by: str) -> MappingDecided:
        ruling = Decision(MappingDecision.EXCLUDED, MappingMethod.MANUAL, by, reason)
        return await self._decide(subject, ruling, None)

    async def revoke(self, subject: VendorItemRef, by: str) -> MappingDecided:
        """Leave the item undecided, and exact matching out of it. Raises `NotFound` without a decision."""
        ruling = Decision(MappingDecision.REVOKED, MappingMethod.MANUAL, by)
        return await self._decide(subject, ruling, None)

    async def _decide(
        self, subject: VendorItemRef, ruling: Decision, chosen: PsaItemRef | None
    ) -> MappingDecided:
        return await self._store.turn(
            subject.tenant_id, partial(self._ruled, subject=subject, ruling=ruling, chosen=chosen)
        )

    async def _ruled(
        self, turn: UnitOfWork, *, subject: VendorItemRef, ruling: Decision, chosen: PsaItemRef | None
    ) -> MappingDecided:
        vendor = await integration_of(turn, subject.vendor_integration_id, Side.VENDOR)
        item = await item_of(turn, VENDOR_KINDS[subject.kind], vendor, subject.vendor_id)
        key = mapping_key(vendor, subject.kind, item.id)
        standing = (await turn.mappings([key])).get(key)
        if standing is None and ruling.decision is MappingDecision.REVOKED:
            raise NotFound(f"nothing is decided on {item.shelf.noun} {item.id}: there is nothing to revoke")
        target = await _target(turn, subject.kind, chosen) if chosen else None
        wanted = decided(vendor, item, ruling, target=target, before=standing, at=self._clock())
        # No revision, no message: whoever repeats a request must not look like a second decision.
        if standing is not None and same_decision(standing, wanted):
            return standing
        await turn.record([wanted])
        return wanted


async def _target(turn: UnitOfWork, kind: MappingKind, chosen: PsaItemRef) -> PsaMatch:
    psa = await connected(turn, chosen.integration_id, Side.PSA)
    item = await item_of(turn, PSA_KINDS[kind], psa, chosen.id)
    if not item.usable:
        raise Conflict(f"{item.shelf.noun} {item.id} ({item.name}) is inactive or gone: choose an active one")
    return PsaMatch(psa, item)
