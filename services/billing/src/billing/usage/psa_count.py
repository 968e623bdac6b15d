"""What the PSA bills for a target: its agreement lines that are billable and open on the day."""

# Invariant: only the quantity of exactly one agreement line is compared with the vendor's sum (architecture
# §4, *The PSA's side*). None is a zero once the company was completely read, twice alike; several are shown
# summed, and a person must choose.
#
#   add1 of 5 → 5     add1 of 5 that has ended → 0     add1 of 5, add2 of 2 → unquantified, known part 7
#   add1 of 5, add2 was never read, and is of this product or none that is known → unread, known part 5
#   add1 had ended, and cannot be read any more → unread: it may be open again
#   add1 of 5 was written, and read back as ended, or of another product → unread, both products: what else
#   bills them since the company was read, only a manifest tells

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from billing.usage.account_group import AccountGroup
from billing.usage.allocation import LineBasis, ProductBilling
from billing.usage.calendar import open_on
from billing.usage.manifest import AppliedManifest, EffectiveThing
from billing.usage.ref import Ref, RefKind
from billing.usage.usage_line import BilledLine
from shared.contracts.base import NoNumber
from shared.contracts.billing import Count
from shared.contracts.manifest import ListingExtent
from shared.contracts.psa_sync import AgreementLineObserved


@dataclass(frozen=True, slots=True)
class PsaCount:
    """The PSA's side of a usage line."""

    count: Count
    billed: Sequence[BilledLine] = ()
    """The candidates: the agreement lines that bill the target on the day, as last read."""
    begins_later: bool = False
    """Whether an agreement line is known that is not open yet."""
    is_unsettled: bool = False
    """Whether a read-back has brought a line, or taken one away, since the company was read."""
    changes_at: Sequence[datetime] = ()
    """The moments at which a line opens or ends, or the number becomes stale."""


COUNT_WITHOUT_TARGET = PsaCount(Count(detail="it has no target in a PSA"))


def product_billing(group: AccountGroup, now: datetime) -> dict[Ref, ProductBilling]:
    """What is billed for each product that a vendor service is mapped to, on the tenant's day."""
    tenant, day = group.tenant, group.tenant.day(now)
    by_product: dict[Ref, ProductBilling] = {}
    for thing in group.agreement_lines:
        line, product = thing.observed, _product(thing.observed)
        if not line.billable or not (product in by_product or group.shares_in(product)):
            continue
        billing = by_product.setdefault(product, ProductBilling())
        billing.line_count += 1
        billing.begins_later |= line.starts_on is not None and line.starts_on > day
        billing.changes_at += [tenant.midnight(end) for end in (line.starts_on, line.ends_on) if end]
        if open_on(day, line.starts_on, line.ends_on):
            billing.candidates.append(_billed_line(thing, tenant.currency))
    _note_moved_lines(group, day, by_product)
    return by_product


def _note_moved_lines(group: AccountGroup, day: date, by_product: dict[Ref, ProductBilling]) -> None:
    """Notes at their products the lines that read-backs have brought there, or taken away."""
    now = {line.line_id: product for product, of in by_product.items() for line in of.candidates}
    for line_id, stated in group.read_backs.items():
        is_billed = stated and stated.billable and open_on(day, stated.starts_on, stated.ends_on)
        before = _product(stated) if stated and is_billed else None
        for product in {before} ^ {now.get(line_id)}:
            if product and group.shares_in(product):
                by_product.setdefault(product, ProductBilling()).moved_line_ids.append(line_id)


def count_psa(basis: LineBasis, group: AccountGroup, now: datetime) -> PsaCount:
    """The quantity of the one candidate, or why there is no such number."""
    if basis.place.no_target:
        return COUNT_WITHOUT_TARGET
    billing, manifest = basis.billing or ProductBilling(), group.psa_manifest
    rule = group.context.rules[basis.place.account.integration_id]
    billed = billing.candidates
    as_of = billed_as_of(billed, manifest)
    stale_at = as_of + rule.freshness if as_of else None
    known = sum((line.quantity for line in billed if line.quantity is not None), Decimal(0))
    missing, detail = _missing(basis, billed, manifest)
    if not missing and manifest and manifest.unreadable:
        detail = _never_read(basis, group, manifest) or _unread_since(basis, group, billed)
        missing = NoNumber.UNREAD if detail else None
    if not rule.connected:
        missing, detail = NoNumber.NOT_CONNECTED, None
    elif manifest and group.context.doubts(manifest):
        missing, detail = (
            NoNumber.HELD,
            "its run changes an unlikely share of all numbers: release or reject the run",
        )
    elif not missing and stale_at and now >= stale_at:
        missing = NoNumber.STALE
    if missing:
        count = Count(missing=missing, known_part=known, detail=detail, as_of=as_of)
    elif billed:
        count = Count(number=known, as_of=as_of)
    else:
        count = Count(
            number=known, missing=_absent(basis, manifest), detail="no agreement line bills it", as_of=as_of
        )
    changes_at = [*billing.changes_at, stale_at] if stale_at else billing.changes_at
    return PsaCount(
        count,
        billed,
        begins_later=billing.begins_later,
        is_unsettled=bool(billing.moved_line_ids),
        changes_at=changes_at,
    )


def billed_as_of(billed: Sequence[BilledLine], manifest: AppliedManifest | None) -> datetime | None:
    """When the oldest reading of these agreement lines was made.

    Without a line the count rests on the reading of the company, which found none; None before any.
    """
    nothing_billed = manifest.read_from if manifest else None
    return min((line.as_of for line in billed), default=nothing_billed)


def _missing(
    basis: LineBasis, billed: Sequence[BilledLine], manifest: AppliedManifest | None
) -> tuple[NoNumber | None, str | None]:
    """Why the quantity is no number although the PSA is connected, with a sentence for people."""
    if manifest is None:
        return NoNumber.UNREAD, "the company was not completely read yet"
    if manifest.listing is ListingExtent.SHORT:
        return NoNumber.UNREAD, "the PSA listed fewer agreements than it counts"
    if manifest.span_of(basis.place.catalogue_item.id).is_empty:
        return NoNumber.UNREAD, "it was read once, or changed while it was read: the next sync confirms it"
    if basis.billing and basis.billing.moved_line_ids:
        moved = ", ".join(basis.billing.moved_line_ids)
        return NoNumber.UNREAD, f"a write found {moved} moved or ended since the company was read: sync again"
    return _unquantified(billed)


def _unquantified(billed: Sequence[BilledLine]) -> tuple[NoNumber | None, str | None]:
    if len(billed) > 1:
        return NoNumber.UNQUANTIFIED, "several agreement lines bill it"
    if any(line.quantity is None for line in billed):
        return NoNumber.UNQUANTIFIED, None
    return None, None


def _never_read(basis: LineBasis, group: AccountGroup, manifest: AppliedManifest) -> str | None:
    """Names what is listed and was never read: unless its product is known, it may bill any."""
    known = {thing.observed.line_id for thing in group.agreement_lines}
    product_id = basis.place.catalogue_item.id
    for id_, reason in manifest.unreadable.items():
        if id_ not in known and manifest.unreadable_items.get(id_, product_id) == product_id:
            return f"the PSA lists {id_}, which could not be read: {reason}"
    return None


def _unread_since(basis: LineBasis, group: AccountGroup, billed: Sequence[BilledLine]) -> str | None:
    """Names what did not bill the product when it was last read: it may do so again by now.

    What billed it keeps its number, which tells its age.
    """
    counted = {line.line_id for line in billed}
    for thing in group.agreement_lines:
        line = thing.observed
        if (
            thing.unreadable
            and line.product_id == basis.place.catalogue_item.id
            and line.line_id not in counted
        ):
            return f"{line.line_id} did not bill it, and could not be read since: {thing.unreadable}"
    return None


def _absent(basis: LineBasis, manifest: AppliedManifest | None) -> NoNumber | None:
    """Whether agreement lines of the product were there, and none of them is any more."""
    span = manifest.spans.get(basis.place.catalogue_item.id) if manifest else None
    return NoNumber.ABSENT if span and span.ended and basis.billing is None else None


def _product(line: AgreementLineObserved) -> Ref:
    return Ref(RefKind.PSA_PRODUCT, line.integration_id, line.product_id)


def _billed_line(thing: EffectiveThing[AgreementLineObserved], tenant_currency: str | None) -> BilledLine:
    line = thing.observed
    return BilledLine(
        integration_id=line.integration_id,
        line_id=line.line_id,
        agreement_id=line.agreement_id,
        agreement_name=line.agreement_name,
        quantity=line.quantity,
        included=line.included,
        unit_price=line.unit_price,
        unit_cost=line.unit_cost,
        currency=line.currency or tenant_currency,  # a PSA without currencies bills in the tenant's own
        starts_on=line.starts_on,
        ends_on=line.ends_on,
        invoiced_until=line.invoiced_until,
        observed_at=line.observed_at,
        as_of=thing.as_of,
        run_id=line.run_id,
        revision=line.revision,
    )
