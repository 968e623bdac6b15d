"""What many decisions rest on, read at once, and what they come to, written at once."""

# Invariant: a decision sees what those before it have decided, and all of them are stored in their order. One
# item is stored once at a time, for each of its versions replaces the one before:
#
#   read all items and mappings   1 → 9   2 → 9   1 excluded: "1 → 9", "2 → 9" are stored   flush: 1 excluded

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS, IntegrationInfo, Item, ItemKind
from matcher.mappings.decisions import is_included, mapping_key
from matcher.mappings.models import ItemDecision, MapTo
from matcher.mappings.ports import UnitOfWork
from shared.contracts.base import key_of
from shared.contracts.matcher import MappingDecided


class DecisionBuffer:
    """Stands between decisions and their unit of work; `flush` ends it."""

    def __init__(
        self,
        unit_of_work: UnitOfWork,
        integrations: Mapping[str, IntegrationInfo],
        items: Mapping[ItemKind, Mapping[str, Item | None]],
        mappings: Mapping[str, MappingDecided | None],
    ) -> None:
        """What was read and is not there is None."""
        self._unit_of_work, self._integrations = unit_of_work, integrations
        self._items = {kind: {**known} for kind, known in items.items()}
        self._mappings = {**mappings}
        self._unstored: dict[str, MappingDecided] = {}
        self._replaced: dict[str, MappingDecided] = {}

    async def integrations(self) -> dict[str, IntegrationInfo]:
        return dict(self._integrations)

    async def items(self, kind: ItemKind, keys: Collection[str]) -> list[Item]:
        known = self._items.setdefault(kind, {})
        if unread := [key for key in keys if key not in known]:  # what rules name
            known |= dict.fromkeys(unread)
            known |= {item.key: item for item in await self._unit_of_work.items(kind, unread)}
        return [item for key in keys if (item := known[key])]

    async def mappings(self, keys: Collection[str]) -> dict[str, MappingDecided]:
        if unread := [key for key in keys if key not in self._mappings]:  # the sources of bundles
            self._mappings |= dict.fromkeys(unread)
            self._mappings |= await self._unit_of_work.mappings(unread)
        return {key: mapping for key in keys if (mapping := self._mappings[key])}

    async def included_services(self, source: MappingDecided) -> list[MappingDecided]:
        stored = await self._unit_of_work.included_services(source)
        newest = {one.key: one for one in stored} | self._unstored
        return sorted((one for one in newest.values() if is_included(one, source)), key=lambda one: one.key)

    async def settled_integrations(self, kind: ItemKind) -> frozenset[str]:
        return await self._unit_of_work.settled_integrations(kind)

    async def enqueue(self, lane: str, keys: Iterable[str]) -> None:
        await self._unit_of_work.enqueue(lane, keys)

    async def is_proposed(self, key: str, psa_integration_id: str, psa_id: str) -> bool:
        return await self._unit_of_work.is_proposed(key, psa_integration_id, psa_id)

    async def record_mappings(
        self, mappings: Sequence[MappingDecided], *, existing: Mapping[str, MappingDecided]
    ) -> None:
        if any(mapping.key in self._unstored for mapping in mappings):
            await self.flush()
        self._replaced.update(existing)
        self._unstored.update({mapping.key: mapping for mapping in mappings})
        self._mappings.update(self._unstored)

    async def flush(self) -> None:
        """Stores what was decided and is not stored yet."""
        await self._unit_of_work.record_mappings(list(self._unstored.values()), existing=self._replaced)
        self._unstored, self._replaced = {}, {}


async def load_buffer(unit_of_work: UnitOfWork, decisions: Sequence[ItemDecision]) -> DecisionBuffer:
    """Reads everything that the decisions name, in a read for each kind of thing."""
    integrations = await unit_of_work.integrations()
    item_keys: defaultdict[ItemKind, set[str]] = defaultdict(set)
    mapping_keys = set[str]()
    for one in decisions:
        item, choice = one.item, one.choice
        vendor_key = key_of(item.tenant_id, item.vendor_integration_id, item.vendor_id)
        item_keys[VENDOR_KINDS[item.kind]].add(vendor_key)
        if vendor := integrations.get(item.vendor_integration_id):
            mapping_keys.add(mapping_key(vendor, item.kind, item.vendor_id))
        if isinstance(choice, MapTo):
            psa_key = key_of(item.tenant_id, choice.target.integration_id, choice.target.id)
            item_keys[PSA_KINDS[item.kind]].add(psa_key)
    items = {
        kind: dict.fromkeys(keys) | {item.key: item for item in await unit_of_work.items(kind, keys)}
        for kind, keys in item_keys.items()
    }
    mappings = dict.fromkeys(mapping_keys) | await unit_of_work.mappings(mapping_keys)
    return DecisionBuffer(unit_of_work, integrations, items, mappings)
