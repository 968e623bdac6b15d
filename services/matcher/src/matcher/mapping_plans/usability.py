"""Whether what the rows of a plan map can be mapped."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS, IntegrationInfo, Item, ItemKind
from matcher.catalogue.lookups import disconnected_sentence
from matcher.mapping_plans.models import APPLICABLE, PlanRow, RowOutcome
from matcher.mapping_plans.ports import PlanReader
from shared.contracts.base import key_of


@dataclass(frozen=True, slots=True)
class _KnownEnds:
    """The items that rows name, and their integrations."""

    tenant_id: str
    integrations: dict[str, IntegrationInfo]
    items: dict[tuple[ItemKind, str], Item]

    def fault(self, row: PlanRow) -> str | None:
        """Returns why the row cannot be applied; None when it can, or maps nothing."""
        target = row.wanted.target if row.wanted else None
        if target is None or row.kind is None or row.outcome not in APPLICABLE:
            return None
        vendor = self._item(VENDOR_KINDS[row.kind], row.vendor_integration_id, row.vendor_id)
        if vendor is None or not vendor.present:
            return f"{row.kind} {row.vendor_id} is gone from the marketplace: there is nothing to map"
        psa, item = (
            self.integrations.get(target.integration_id),
            self._item(PSA_KINDS[row.kind], target.integration_id, target.id),
        )
        if psa is None or item is None or not item.present:
            return f"PSA item {target.id}{f' ({item.name})' if item else ''} is gone: choose another by hand"
        if not psa.connected:
            return disconnected_sentence(psa)
        return None if item.usable else f"PSA item {item.id} ({item.name}) is inactive: choose an active one"

    def _item(self, kind: ItemKind, integration_id: str | None, id_: str | None) -> Item | None:
        return self.items.get((kind, key_of(self.tenant_id, integration_id or "", id_ or "")))


async def require_usable(reader: PlanReader, rows: Sequence[PlanRow]) -> list[PlanRow]:
    """Returns the rows; those that would map to what cannot be mapped to any more are in error."""
    keys: dict[ItemKind, set[str]] = {}
    for row in rows:
        if row.kind and row.wanted and (target := row.wanted.target):
            vendor_key = key_of(reader.tenant_id, row.vendor_integration_id or "", row.vendor_id or "")
            psa_key = key_of(reader.tenant_id, target.integration_id, target.id)
            keys.setdefault(VENDOR_KINDS[row.kind], set()).add(vendor_key)
            keys.setdefault(PSA_KINDS[row.kind], set()).add(psa_key)
    items = {(kind, item.key): item for kind, some in keys.items() for item in await reader.items(kind, some)}
    known = _KnownEnds(reader.tenant_id, await reader.integrations(), items)
    return [in_error(row, sentence) if (sentence := known.fault(row)) else row for row in rows]


def in_error(row: PlanRow, sentence: str) -> PlanRow:
    return replace(row, outcome=RowOutcome.ERROR, sentence=sentence)
