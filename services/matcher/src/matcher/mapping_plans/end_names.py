"""The present names of the items at both ends of many decisions, read at once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS, ItemKind
from matcher.catalogue.ports import Catalogue
from shared.contracts.base import Side, key_of
from shared.contracts.matcher import MappingKind


@dataclass(frozen=True, slots=True)
class ItemRef:
    """Names an item of either side, or none where a decision has no such end."""

    kind: MappingKind | None
    side: Side
    integration_id: str | None
    id: str | None

    @property
    def item_kind(self) -> ItemKind | None:
        if self.kind is None or self.integration_id is None or self.id is None:
            return None
        return (VENDOR_KINDS if self.side is Side.VENDOR else PSA_KINDS)[self.kind]


@dataclass(frozen=True, slots=True)
class EndNames:
    """Names of items that were ever observed."""

    tenant_id: str
    by_key: Mapping[tuple[ItemKind, str], str]

    def of(self, ref: ItemRef) -> str | None:
        kind = ref.item_kind
        if kind is None:
            return None
        return self.by_key.get((kind, key_of(self.tenant_id, ref.integration_id or "", ref.id or "")))


async def load_names(catalogue: Catalogue, tenant_id: str, refs: Iterable[ItemRef]) -> EndNames:
    """Reads the names, in a read for each kind of item."""
    keys: defaultdict[ItemKind, set[str]] = defaultdict(set)
    for ref in refs:
        if kind := ref.item_kind:
            keys[kind].add(key_of(tenant_id, ref.integration_id or "", ref.id or ""))
    by_key: dict[tuple[ItemKind, str], str] = {}
    for kind, some in keys.items():
        names = await catalogue.names(tenant_id, kind, some)
        by_key |= {(kind, key): name for key, name in names.items()}
    return EndNames(tenant_id, by_key)
