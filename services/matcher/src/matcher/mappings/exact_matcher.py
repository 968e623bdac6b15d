"""Exact matching of whatever was touched, as far as it reaches."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from matcher.catalogue.items import (
    PSA_KINDS,
    VENDOR_KINDS,
    IntegrationInfo,
    Item,
    ItemKind,
    Labels,
    MatchWork,
    labels_of,
)
from matcher.mappings.decisions import SYSTEM, Decision, PsaMatch, decided, mapping_key
from matcher.mappings.exact import (
    ExactOutcome,
    ItemGroups,
    exact_outcome,
    exact_target,
    psa_groups,
    vendor_groups,
)
from matcher.mappings.ports import Clock, MatcherStore, UnitOfWork
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Side
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, MappingMethod
from shared.errors import TransientError
from shared.runtime.attempt import attempt

log = structlog.get_logger()

ITEMS_AT_ONCE = 1000
"""How many items one turn looks at: few round trips, and still a short transaction."""
KEYS_A_MARK = 500
PAUSE = timedelta(minutes=1)
"""How long a tenant whose turn failed is left alone."""

_MARKS_AT_ONCE = 100


class ExactMatcher:
    """Takes marks and maps, or unmaps, what exact matching says; all of a turn or nothing of it."""

    def __init__(self, store: MatcherStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._aside: dict[str, datetime] = {}

    async def step(self) -> bool:
        """One turn of every tenant that waits; tells whether more may be waiting."""
        now = self._clock()
        tenants = [one for one in await self._store.waiting() if self._aside.get(one, now) <= now]
        outcomes = {one: await attempt(self._store.turn(one, self._turn)) for one in tenants}
        for tenant_id, outcome in outcomes.items():
            if isinstance(outcome, TransientError):
                raise outcome
            if isinstance(outcome, Exception):  # a bug in what one tenant has must not slow down the others
                self._aside[tenant_id] = now + PAUSE
                log.error("tenant_set_aside", tenant_id=tenant_id, exc_info=outcome)
        return bool(tenants)

    async def _turn(self, turn: UnitOfWork) -> None:
        marks = _first(await turn.marks(limit=_MARKS_AT_ONCE))
        await self._spread(turn, [mark for mark in marks if mark.integration_id])
        touched = {shelf: _keys(marks, shelf) for shelf in ItemKind}
        for kind in MappingKind:
            await self._match(turn, kind, touched)
        await turn.remove_marks(marks)

    async def _spread(self, turn: UnitOfWork, wide: Sequence[MatchWork]) -> None:
        """Break "all of this integration" into portions for the turns to come."""
        for mark in wide:
            keys = await turn.keys_of(mark.shelf, mark.integration_id or "")
            portions = [keys[start : start + KEYS_A_MARK] for start in range(0, len(keys), KEYS_A_MARK)]
            await turn.add_marks([MatchWork(mark.shelf, tuple(portion)) for portion in portions])

    async def _match(
        self, turn: UnitOfWork, kind: MappingKind, touched: Mapping[ItemKind, Collection[str]]
    ) -> None:
        vendor, psa = VENDOR_KINDS[kind], PSA_KINDS[kind]
        changed = await turn.items(vendor, touched[vendor])
        labels = await _labels(turn, vendor, changed)
        labels |= await _labels(turn, psa, await turn.items(psa, touched[psa]))
        concerned = _once([*changed, *await turn.called(vendor, labels)])
        if not concerned:
            return
        beyond = await turn.called(vendor, labels_of(concerned) - labels)
        scene = await _scene(turn, kind, concerned, _once([*concerned, *beyond]))
        await turn.record([ruling for item in concerned if (ruling := self._ruling(scene, item))])

    def _ruling(self, scene: "_Scene", item: Item) -> MappingDecided | None:
        vendor = scene.integrations.get(item.integration_id)
        if vendor is None or not vendor.connected:
            return None  # its realm is the mapping's key; when it is told, everything of it is marked
        standing = scene.standing.get(mapping_key(vendor, item.shelf.kind, item.id))
        target = scene.target(item)
        match exact_outcome(
            standing,
            target.item if target else None,
            pending=scene.pending(vendor),
            reachable=scene.reachable(standing),
        ):
            case ExactOutcome.KEEP:
                return None
            case ExactOutcome.MAP:
                ruling = Decision(MappingDecision.APPROVED, MappingMethod.EXACT, SYSTEM)
                return decided(vendor, item, ruling, target=target, before=standing, at=self._clock())
            case ExactOutcome.REVOKE:
                ruling = Decision(MappingDecision.REVOKED, MappingMethod.EXACT, SYSTEM, _NO_LONGER)
                return decided(vendor, item, ruling, before=standing, at=self._clock())


@dataclass(frozen=True, slots=True)
class _Scene:
    """What must be known to judge some vendor items."""

    vendor: ItemGroups
    psa: ItemGroups
    integrations: Mapping[str, IntegrationInfo]
    finished: Collection[str]
    standing: Mapping[str, MappingDecided]

    def target(self, item: Item) -> PsaMatch | None:
        """None also while the PSA it belongs to is not known yet: its coming marks everything again."""
        found = exact_target(item, self.vendor, self.psa)
        integration = self.integrations.get(found.integration_id) if found else None
        return PsaMatch(integration, found) if found and integration else None

    def pending(self, vendor: IntegrationInfo) -> bool:
        return vendor.status is IntegrationStatus.PENDING and vendor.integration_id not in self.finished

    def reachable(self, standing: MappingDecided | None) -> bool:
        psa = self.integrations.get((standing and standing.psa_integration_id) or "")
        return psa is not None and psa.connected


async def _scene(
    turn: UnitOfWork, kind: MappingKind, concerned: Sequence[Item], vendor: Sequence[Item]
) -> _Scene:
    """`vendor` is every vendor item that shares a name or a code with one that is concerned."""
    integrations = await turn.integrations()
    # A PSA that was disconnected is no rival; one that is not known yet may be, so it counts.
    gone = {key for key, one in integrations.items() if one.side is Side.PSA and not one.connected}
    psa = await turn.called(PSA_KINDS[kind], labels_of(concerned))
    keys = [
        mapping_key(integrations[item.integration_id], kind, item.id)
        for item in concerned
        if item.integration_id in integrations
    ]
    return _Scene(
        vendor=vendor_groups(vendor),
        psa=psa_groups(item for item in psa if item.integration_id not in gone),
        integrations=integrations,
        finished=await turn.finished(),
        standing=await turn.mappings(keys),
    )


async def _labels(turn: UnitOfWork, shelf: ItemKind, items: Sequence[Item]) -> Labels:
    """What the items are called now and were called when last compared: both groups are concerned."""
    now = {item.key: labels_of([item]) for item in items}
    before = await turn.former_labels(shelf, now)
    fresh = {key: labels for key, labels in now.items() if key not in before}
    renamed = {key: labels for key, labels in now.items() if before.get(key, labels) != labels}
    await turn.remember_labels(shelf, fresh, renamed)
    everything = [*now.values(), *before.values()]
    return Labels(
        frozenset().union(*(labels.names for labels in everything)),
        frozenset().union(*(labels.codes for labels in everything)),
    )


def _once(items: Iterable[Item]) -> list[Item]:
    return list({item.key: item for item in items}.values())


def _keys(marks: Sequence[MatchWork], shelf: ItemKind) -> set[str]:
    return {key for mark in marks if mark.shelf is shelf for key in mark.keys}


def _first(marks: Sequence[MatchWork]) -> list[MatchWork]:
    """As many marks as one turn can look at; at least one."""
    taken: list[MatchWork] = []
    items = 0
    for mark in marks:
        if taken and items + len(mark.keys) > ITEMS_AT_ONCE:
            break
        taken.append(mark)
        items += len(mark.keys)
    return taken


_NO_LONGER = "it is no longer the only one of its name on both sides"
