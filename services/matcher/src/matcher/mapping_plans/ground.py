"""Whether the rows of a plan still rest on what is so, and what they come to as decisions."""

# Invariant: a row is decided only on the revision that its plan showed, and only on items that can be mapped:
#
#   row: 1 → 9, on r7    stands r7    decided     stands r8    outdated: "decided on meanwhile by bob"
#   row: 1 → 9, on r7    stands r8, which is 1 → 9 as well     outdated too: somebody else decided it

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS, IntegrationInfo, Item, ItemKind
from matcher.catalogue.lookups import disconnected_sentence
from matcher.mapping_plans.models import PlanRow, WantedDecision
from matcher.mapping_plans.ports import PlanUnit
from matcher.mappings.decisions import Decision, PsaMatch, apply_decision
from shared.contracts.base import key_of
from shared.contracts.matcher import MappingDecided, MappingDecision


@dataclass(frozen=True, slots=True)
class PlanGround:
    """What some rows rest on, as one transaction sees it."""

    integrations: Mapping[str, IntegrationInfo]
    items: Mapping[ItemKind, Mapping[str, Item]]
    mappings: Mapping[str, MappingDecided]

    def fault(self, row: PlanRow) -> str | None:
        """Returns why the row cannot be decided any more, in a sentence; None when it can."""
        stands = self.mappings.get(row.key or "")
        if (stands.revision if stands else 0) != row.standing_revision:
            return _decided_meanwhile(row, stands)
        vendor, item = self._vendor_item(row)
        if vendor is None or item is None:
            return f"{row.kind} {row.vendor_id} is not known any more"
        if row.wanted is None or row.wanted.target is None:
            return None
        if not item.present:
            return f"{item.kind.display_name} {item.id} ({item.name}) is gone from the marketplace"
        return _target_fault(self._match(row, row.wanted), row.wanted.target.id)

    def decision(self, row: PlanRow, by: str, at: datetime) -> MappingDecided | None:
        """Returns what the row decides; None when one of its ends is not known any more."""
        vendor, item = self._vendor_item(row)
        wanted = row.wanted
        if vendor is None or item is None or wanted is None:
            return None
        match = self._match(row, wanted)
        if wanted.target and match is None:
            return None
        return apply_decision(
            vendor,
            item,
            Decision(wanted.decision, wanted.method, by, wanted.reason, rules=wanted.rules),
            target=match,
            existing=self.mappings.get(row.key or ""),
            at=at,
        )

    def _vendor_item(self, row: PlanRow) -> tuple[IntegrationInfo | None, Item | None]:
        vendor = self.integrations.get(row.vendor_integration_id or "")
        if vendor is None or row.kind is None or row.vendor_id is None:
            return vendor, None
        key = key_of(vendor.tenant_id, vendor.integration_id, row.vendor_id)
        return vendor, self.items.get(VENDOR_KINDS[row.kind], {}).get(key)

    def match(self, row: PlanRow) -> PsaMatch | None:
        """Returns the PSA item that the row maps to; None when it maps nothing, or that is not known."""
        return self._match(row, row.wanted) if row.wanted else None

    def _match(self, row: PlanRow, wanted: WantedDecision) -> PsaMatch | None:
        if row.kind is None or wanted.target is None:
            return None
        psa = self.integrations.get(wanted.target.integration_id)
        if psa is None:
            return None
        key = key_of(psa.tenant_id, psa.integration_id, wanted.target.id)
        item = self.items.get(PSA_KINDS[row.kind], {}).get(key)
        return PsaMatch(psa, item) if item else None


async def load_ground(unit: PlanUnit, tenant_id: str, rows: Sequence[PlanRow]) -> PlanGround:
    """Reads what the rows rest on, in a read for each kind of thing."""
    wanted_keys: dict[ItemKind, set[str]] = {}
    for row in rows:
        if row.kind is None or row.vendor_integration_id is None or row.vendor_id is None:
            continue
        vendor_key = key_of(tenant_id, row.vendor_integration_id, row.vendor_id)
        wanted_keys.setdefault(VENDOR_KINDS[row.kind], set()).add(vendor_key)
        if row.wanted and (target := row.wanted.target):
            psa_key = key_of(tenant_id, target.integration_id, target.id)
            wanted_keys.setdefault(PSA_KINDS[row.kind], set()).add(psa_key)
    items = {
        kind: {item.key: item for item in await unit.items(kind, keys)} for kind, keys in wanted_keys.items()
    }
    mappings = await unit.mappings([row.key for row in rows if row.key])
    return PlanGround(await unit.integrations(), items, mappings)


def same_as_wanted(mapping: MappingDecided, wanted: WantedDecision) -> bool:
    """Whether the mapping is what a plan has decided already, as after a restore of the database."""
    target = wanted.target
    ends = (target.integration_id, target.id) if target else (None, None)
    return (mapping.decision, mapping.method, mapping.rules, mapping.psa_integration_id, mapping.psa_id) == (
        wanted.decision,
        wanted.method,
        wanted.rules,
        *ends,
    )


def _target_fault(match: PsaMatch | None, id_: str) -> str | None:
    if match is None:
        return f"there is no PSA item {id_} any more: choose another"
    if not match.integration.connected:
        return disconnected_sentence(match.integration)
    named = f"{match.item.kind.display_name} {match.item.id} ({match.item.name})"
    state = "inactive" if match.item.present else "gone"
    return None if match.item.usable else f"{named} is {state} meanwhile"


def _decided_meanwhile(row: PlanRow, stands: MappingDecided | None) -> str:
    if stands is None:
        return f"nothing stands on {row.kind} {row.vendor_id} any more"
    what = f"mapped to {stands.psa_id}" if stands.decision is MappingDecision.APPROVED else stands.decision
    return (
        f"{row.kind} {row.vendor_id} was decided on meanwhile: {what} by {stands.decided_by} at"
        f" {stands.decided_at.isoformat()}"
    )
