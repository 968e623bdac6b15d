"""What a person decides about one vendor item; exact matching never overrules it."""

from dataclasses import dataclass
from functools import partial

from matcher.models.decisions import Ruling, Target, decided, mapping_key, same_decision
from matcher.models.items import PSA_SHELVES, VENDOR_SHELVES
from matcher.service.lookups import connected, integration_of, item_of
from matcher.service.ports import Clock, Store, Turn
from shared.contracts.base import Side
from shared.contracts.matcher import Decision, MappingDecided, MappingKind, Method
from shared.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class Subject:
    """The vendor item that is decided on."""

    tenant_id: str
    kind: MappingKind
    vendor_integration_id: str
    vendor_id: str


@dataclass(frozen=True, slots=True)
class PsaItem:
    """The PSA item that a person chose."""

    integration_id: str
    id: str


class Deciding:
    """Maps, excludes and revokes; the same decision again changes nothing and says nothing."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def approve(self, subject: Subject, chosen: PsaItem, by: str) -> MappingDecided:
        """Raises `NotFound` or `Conflict` when either end cannot be mapped."""
        ruling = Ruling(Decision.APPROVED, Method.MANUAL, by)
        return await self._decide(subject, ruling, chosen)

    async def exclude(self, subject: Subject, reason: str, by: str) -> MappingDecided:
        ruling = Ruling(Decision.EXCLUDED, Method.MANUAL, by, reason)
        return await self._decide(subject, ruling, None)

    async def revoke(self, subject: Subject, by: str) -> MappingDecided:
        """Leave the item undecided, and exact matching out of it. Raises `NotFound` without a decision."""
        ruling = Ruling(Decision.REVOKED, Method.MANUAL, by)
        return await self._decide(subject, ruling, None)

    async def _decide(self, subject: Subject, ruling: Ruling, chosen: PsaItem | None) -> MappingDecided:
        return await self._store.turn(
            subject.tenant_id, partial(self._ruled, subject=subject, ruling=ruling, chosen=chosen)
        )

    async def _ruled(
        self, turn: Turn, *, subject: Subject, ruling: Ruling, chosen: PsaItem | None
    ) -> MappingDecided:
        vendor = await integration_of(turn, subject.vendor_integration_id, Side.VENDOR)
        item = await item_of(turn, VENDOR_SHELVES[subject.kind], vendor, subject.vendor_id)
        key = mapping_key(vendor, subject.kind, item.id)
        standing = (await turn.mappings([key])).get(key)
        if standing is None and ruling.decision is Decision.REVOKED:
            raise NotFound(f"nothing is decided on {item.shelf.noun} {item.id}: there is nothing to revoke")
        target = await _target(turn, subject.kind, chosen) if chosen else None
        wanted = decided(vendor, item, ruling, target=target, before=standing, at=self._clock())
        # No revision, no message: whoever repeats a request must not look like a second decision.
        if standing is not None and same_decision(standing, wanted):
            return standing
        await turn.record([wanted])
        return wanted


async def _target(turn: Turn, kind: MappingKind, chosen: PsaItem) -> Target:
    psa = await connected(turn, chosen.integration_id, Side.PSA)
    item = await item_of(turn, PSA_SHELVES[kind], psa, chosen.id)
    if not item.usable:
        raise Conflict(f"{item.shelf.noun} {item.id} ({item.name}) is inactive or gone: choose an active one")
    return Target(psa, item)
