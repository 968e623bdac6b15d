"""What the PSA bills for a target: its agreement lines that are billable and open on the day."""

# Invariant: only the quantity of exactly one agreement line is compared with the vendor's sum (architecture
# §4, *The PSA's side*). None is a zero once the PSA was completely read; several are shown summed, and a
# person must choose.
#
#   add1 of 5 → 5     add1 of 5 that has ended → 0     add1 of 5, add2 of 2 → unquantified, known part 7

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.usage.account_group import AccountGroup, TenantContext
from billing.usage.allocation import LineBasis, ProductBilling
from billing.usage.calendar import open_on
from billing.usage.coverage import Coverage, ObservedState
from billing.usage.ref import Ref, RefKind
from billing.usage.usage_line import BilledLine
from shared.contracts.base import NoNumber
from shared.contracts.billing import Count
from shared.contracts.psa_sync import AgreementLineObserved


@dataclass(frozen=True, slots=True)
class PsaCount:
    """The PSA's side of a usage line."""

    count: Count
    billed: Sequence[BilledLine] = ()
    """The candidates: the agreement lines that bill the target on the day, as last read."""
    begins_later: bool = False
    """Whether an agreement line is known that is not open yet."""
    changes_at: Sequence[datetime] = ()
    """The moments at which a line opens or ends, or the number becomes stale."""


COUNT_WITHOUT_TARGET = PsaCount(Count(detail="it has no target in a PSA"))


def product_billing(group: AccountGroup, now: datetime) -> dict[Ref, ProductBilling]:
    """What is billed for each product that a vendor service is mapped to, on the tenant's day."""
    tenant, day = group.tenant, group.tenant.day(now)
    by_product: dict[Ref, ProductBilling] = {}
    for state in group.agreement_lines:
        line = state.last_known
        product = Ref(RefKind.PSA_PRODUCT, line.integration_id, line.product_id)
        if product not in group.context.products:
            continue
        billing = by_product.setdefault(product, ProductBilling())
        coverage = group.context.coverages[line.integration_id]
        if not line.billable or coverage.shows_gone(state.newest):
            continue
        billing.line_count += 1
        billing.begins_later |= line.starts_on is not None and line.starts_on > day
        billing.changes_at += [tenant.midnight(date) for date in (line.starts_on, line.ends_on) if date]
        if open_on(day, line.starts_on, line.ends_on):
            billing.candidates.append(_billed_line(state, coverage, tenant.currency))
    return by_product


def count_psa(basis: LineBasis, context: TenantContext, now: datetime) -> PsaCount:
    """The quantity of the one candidate, or why there is no such number."""
    if basis.place.no_target:
        return COUNT_WITHOUT_TARGET
    integration_id, billing = basis.place.account.integration_id, basis.billing or ProductBilling()
    rule, coverage = context.rules[integration_id], context.coverages[integration_id]
    billed = billing.candidates
    as_of = billed_as_of(billed, coverage)
    stale_at = as_of + rule.freshness if as_of else None
    missing: NoNumber | None = None
    if not rule.connected:
        missing = NoNumber.NOT_CONNECTED
    elif coverage.complete is None or stale_at is None:
        missing = NoNumber.UNREAD  # the PSA may hold further agreement lines that no run has read yet
    elif len(billed) > 1 or any(line.quantity is None for line in billed):
        missing = NoNumber.UNQUANTIFIED
    elif now >= stale_at:
        missing = NoNumber.STALE
    return PsaCount(
        _count(missing, billed, as_of, gone=basis.billing is not None and not billing.line_count),
        billed,
        billing.begins_later,
        [*billing.changes_at, stale_at] if stale_at else billing.changes_at,
    )


def _count(
    missing: NoNumber | None, billed: Sequence[BilledLine], as_of: datetime | None, *, gone: bool
) -> Count:
    """Builds the count with its explanatory sentence (`detail`); decisions are made by `missing` alone.

    `gone`: agreement lines of the product were seen, and none of them is billable and present any more.
    """
    known = sum((line.quantity for line in billed if line.quantity is not None), Decimal(0))
    if missing:
        detail = None
        if missing is NoNumber.UNREAD:
            detail = "the PSA was not completely read yet"
        elif len(billed) > 1 and missing is NoNumber.UNQUANTIFIED:
            detail = "several agreement lines bill it"
        return Count(missing=missing, known_part=known, detail=detail, as_of=as_of)
    if billed:
        return Count(number=known, as_of=as_of)
    absent = NoNumber.ABSENT if gone else None
    return Count(number=known, missing=absent, detail="no agreement line bills it", as_of=as_of)


def billed_as_of(billed: Iterable[BilledLine], coverage: Coverage) -> datetime | None:
    """When the oldest reading of these agreement lines was made, or last confirmed.

    Without a line the count rests on the last complete run, which found none; None before any such run.
    """
    return min((line.as_of for line in billed), default=coverage.read_at)


def _billed_line(
    state: ObservedState[AgreementLineObserved], coverage: Coverage, tenant_currency: str | None
) -> BilledLine:
    line, newest = state.last_known, state.newest
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
        observed_at=newest.observed_at,
        as_of=coverage.as_of(newest),
        run_id=newest.run_id,
        revision=newest.revision,
    )
