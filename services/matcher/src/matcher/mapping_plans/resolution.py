"""Finds the items that the rows of a file mean, and says of each what it would change, or why it cannot."""

# Invariant: a row means an item only if nothing else can be meant. An id wins over a code, a code over a
# name; a code or a name counts if exactly one present item of its integration has it, as it is written. What
# is another tenant's is not found, as what is not there at all:
#
#   psa_id ""  psa_code ""  psa_name "Contoso"   two companies "Contoso": an error, which names both ids

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS, IntegrationInfo, Item, ItemKind
from matcher.catalogue.lookups import disconnected_sentence
from matcher.mapping_plans.file_rows import FileRow
from matcher.mapping_plans.models import APPLICABLE, PlanRow, RowOutcome, StandingDecision, WantedDecision
from matcher.mapping_plans.outcomes import outcome_of
from matcher.mapping_plans.ports import PlanReader
from matcher.mappings.decisions import mapping_key
from matcher.mappings.models import PsaItemRef
from shared.contracts.base import Side, key_of
from shared.contracts.matcher import MappingDecision, MappingKind, MappingMethod
from shared.limits.people import REASON_CHARACTERS
from shared.plain_text import cleaned, is_plain

_WAYS = ("id", "code", "name")
_REVISION_DIGITS = 20


class RowFault(Exception):
    """A row cannot be applied; the text says why."""


@dataclass(frozen=True, slots=True)
class _Name:
    """How a row names an item of one side."""

    kind: ItemKind
    integration: IntegrationInfo
    way: str
    value: str


@dataclass(slots=True)
class _ReadRow:
    """What was made of a row so far."""

    row: FileRow
    kind: MappingKind | None = None
    decision: MappingDecision | None = None
    vendor: _Name | None = None
    psa: _Name | None = None
    item: Item | None = None
    fault: str | None = None


async def resolve(reader: PlanReader, rows: Sequence[FileRow], title: str) -> list[PlanRow]:
    """Returns what each row comes to, in a few reads for all of them."""
    integrations = await reader.integrations()
    read = [_read(row, integrations) for row in rows]
    items = await _find_items(reader, [name for one in read for name in (one.vendor, one.psa) if name])
    for one in read:
        if one.vendor and not one.fault:
            try:
                one.item = _only(items, one.vendor)
            except RowFault as fault:
                one.fault = str(fault)
    keys = [_key(one) for one in read if one.item]
    standing = {key: StandingDecision.of(one) for key, one in (await reader.mappings(keys)).items()}
    return [_plan_row(one, items, standing, title) for one in read]


def _read(row: FileRow, integrations: dict[str, IntegrationInfo]) -> _ReadRow:
    read = _ReadRow(row, fault=row.problem or None)
    if read.fault:
        return read
    try:
        read.kind = _kind(row)
        read.vendor = _name(row, Side.VENDOR, VENDOR_KINDS[read.kind], integrations)
        read.decision = _decision(row)
        if read.decision is MappingDecision.APPROVED:
            read.psa = _name(row, Side.PSA, PSA_KINDS[read.kind], integrations)
    except RowFault as fault:
        read.fault = str(fault)
    return read


def _kind(row: FileRow) -> MappingKind:
    try:
        return MappingKind(row.kind.strip().lower())
    except ValueError:
        raise RowFault(f"the kind is {row.kind[:50]!r}: write account or service") from None


def _decision(row: FileRow) -> MappingDecision:
    names_psa = bool(row.psa_id or row.psa_code or row.psa_name)
    text = row.decision.strip().lower() or (MappingDecision.APPROVED if names_psa else "")
    try:
        decision = MappingDecision(text)
    except ValueError:
        raise RowFault(
            f"the decision is {row.decision[:50]!r}: write approved, excluded or revoked, or name a PSA item"
        ) from None
    if decision is not MappingDecision.APPROVED and names_psa:
        raise RowFault(f"the row says {decision} and names a PSA item: leave one of them out")
    if len(row.reason) > REASON_CHARACTERS.most or not is_plain(row.reason):
        raise RowFault(f"the reason is longer than {REASON_CHARACTERS}, or holds what cannot be shown")
    if decision is MappingDecision.EXCLUDED and not row.reason.strip():
        raise RowFault("the row excludes and gives no reason: write why in the column 'reason'")
    return decision


def _name(row: FileRow, side: Side, kind: ItemKind, integrations: dict[str, IntegrationInfo]) -> _Name:
    integration = _integration(row, side, integrations)
    for way in _WAYS:
        if value := str(getattr(row, f"{side}_{way}")):
            return _Name(kind, integration, way, value)
    raise RowFault(f"the row names no {kind.display_name}: fill {side}_id, {side}_code or {side}_name")


def _integration(row: FileRow, side: Side, integrations: dict[str, IntegrationInfo]) -> IntegrationInfo:
    """Returns the one that the row names by id, or by provider and realm; the only one if it names none."""
    of_side = [one for one in integrations.values() if one.side is side]
    id_, provider, realm = (
        str(getattr(row, f"{side}_{name}")) for name in ("integration_id", "provider", "realm")
    )
    for one in of_side:
        if id_ == one.integration_id or (provider and (provider, realm) == (one.provider, one.realm)):
            return one
    if id_ or provider or realm:
        named = cleaned((id_ or f"of {provider} {realm}")[:200])
        raise RowFault(f"there is no {side} integration {named}: leave it empty, or take one there is")
    if len(of_side) != 1:
        raise RowFault(f"there are {len(of_side)} {side} integrations: say which in {side}_integration_id")
    return of_side[0]


_Found = dict[tuple[ItemKind, str, str, str], list[Item]]
"""Items by kind, integration, and the way and the text by which they are named."""


async def _find_items(reader: PlanReader, names: Iterable[_Name]) -> _Found:
    wanted: defaultdict[tuple[ItemKind, str], set[str]] = defaultdict(set)
    for name in names:
        value = name.value
        if name.way == "id":
            value = key_of(reader.tenant_id, name.integration.integration_id, name.value)
        wanted[name.kind, name.way].add(value)
    found: _Found = defaultdict(list)
    for (kind, way), values in wanted.items():
        storable = [value for value in values if is_plain(value)]
        if way == "id":
            items = await reader.items(kind, storable)
        else:
            items = await reader.items_called(kind, way, storable)
        for item in items:
            found[kind, item.integration_id, way, str(getattr(item, way))].append(item)
    return found


def _only(found: _Found, name: _Name) -> Item:
    items = found.get((name.kind, name.integration.integration_id, name.way, name.value), [])
    said = f"{name.kind.display_name} with the {name.way} {name.value[:200]!r}"
    if not items:
        raise RowFault(f"there is no {said} in integration {name.integration.integration_id}")
    if len(items) > 1:
        ids = ", ".join(sorted(item.id for item in items)[:5])
        raise RowFault(f"there are {len(items)} times a {said} ({ids}): name the one by its id")
    return items[0]


def _key(one: _ReadRow) -> str:
    if one.vendor is None or one.item is None:
        raise RowFault("the row names no vendor item")
    return mapping_key(one.vendor.integration, one.item.kind.mapping_kind, one.item.id)


def _plan_row(
    one: _ReadRow, items: _Found, standing_by_key: dict[str, StandingDecision], title: str
) -> PlanRow:
    """Returns the row of the plan; what can be said of a faulty one is said."""
    key = _key(one) if one.item else None
    standing = standing_by_key.get(key) if key else None
    wanted, outcome, sentence = None, RowOutcome.ERROR, one.fault
    if not one.fault:
        try:
            target = _only(items, one.psa) if one.psa else None
            wanted = _wanted(one, target, title, standing)
            outcome = outcome_of(standing, wanted)
            if outcome in APPLICABLE:
                _require_usable(one, target)
                sentence = _decided_since(one.row, standing)
        except RowFault as fault:
            outcome, sentence = RowOutcome.ERROR, str(fault)
    return PlanRow(
        number=one.row.number,
        outcome=outcome,
        kind=one.kind,
        vendor_integration_id=one.item.integration_id if one.item else None,
        vendor_id=one.item.id if one.item else None,
        key=key,
        standing=standing,
        wanted=wanted,
        sentence=sentence,
    )


def _wanted(
    one: _ReadRow, target: Item | None, title: str, standing: StandingDecision | None
) -> WantedDecision:
    """Returns what the row decides; a mapping keeps its rules, of which a file says nothing."""
    if one.decision is None:
        raise RowFault("the row decides nothing")
    reason = one.row.reason.strip() or title
    ref = PsaItemRef(target.integration_id, target.id) if target else None
    rules = standing.rules if standing and target else None
    return WantedDecision(one.decision, MappingMethod.IMPORT, ref, reason, rules)


def _require_usable(one: _ReadRow, target: Item | None) -> None:
    """Raises `RowFault` for an end that cannot be mapped any more; what stands already may have it."""
    if one.psa is None or one.item is None or target is None:
        return
    if not one.item.present:
        raise RowFault(
            f"{one.item.kind.display_name} {one.item.id} ({one.item.name}) is gone: nothing to map"
        )
    if not one.psa.integration.connected:
        raise RowFault(disconnected_sentence(one.psa.integration))
    if not target.usable:
        state = "inactive" if target.present else "gone"
        raise RowFault(
            f"{target.kind.display_name} {target.id} ({target.name}) is {state}: name an active one"
        )


def _decided_since(row: FileRow, standing: StandingDecision | None) -> str | None:
    """Returns that somebody decided after the file was exported; None where it does not say when it was."""
    seen = row.revision.strip()
    if standing is None or not (seen.isascii() and seen.isdigit() and len(seen) < _REVISION_DIGITS):
        return None
    if int(seen) >= standing.revision:
        return None
    at = standing.decided_at.isoformat()
    return f"decided on since the file was exported, by {standing.decided_by} at {at}"
