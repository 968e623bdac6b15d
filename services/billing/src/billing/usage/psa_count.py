"""What the PSA bills for a target: its agreement lines that are billable and open on the day."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

from billing.usage.account_group import AccountGroup, PsaAccount, TenantContext
from billing.usage.calendar import open_on
from billing.usage.coverage import ObservedState
from billing.usage.usage_line import BilledLine
from shared.contracts.base import NoNumber
from shared.contracts.billing import Count
from shared.contracts.psa_sync import AgreementLineObserved

AMBIGUOUS = "several agreement lines bill it"
NO_LINE = "no agreement line bills it"

Lines = Sequence[ObservedState[AgreementLineObserved]]


def candidates(lines: Lines, scope: AccountGroup, day: date) -> list[BilledLine]:
    """What is there, billable and open on the day (architecture §4, *The PSA's side*)."""
    return [
        _billed(line, scope)
        for line in there(lines, scope.knowledge)
        if open_on(day, line.last_known.starts_on, line.last_known.ends_on)
    ]


def there(lines: Lines, knowledge: TenantContext) -> Lines:
    """Billable lines, open or not, that are not known to be gone."""
    return [
        line
        for line in lines
        if line.last_known.billable and not knowledge.coverage(line.newest.integration_id).gone(line.newest)
    ]


def psa_count(
    psa: PsaAccount, billed: Sequence[BilledLine], knowledge: TenantContext, now: datetime, *, gone: bool
) -> Count:
    """`gone` tells that it was billed once and that no agreement line is left."""
    known = sum((one.quantity for one in billed if one.quantity is not None), Decimal(0))
    as_of = read_at(psa, billed, knowledge)
    missing, detail = _missing(psa, billed, knowledge, now)
    if missing:
        return Count(missing=missing, known_part=known, detail=detail, as_of=as_of)
    if billed:
        return Count(number=known, as_of=as_of)
    return Count(number=known, missing=NoNumber.ABSENT if gone else None, detail=NO_LINE, as_of=as_of)


def read_at(psa: PsaAccount, billed: Iterable[BilledLine], knowledge: TenantContext) -> datetime | None:
    """The age of the oldest figure; that nothing is billed is as old as the last complete run."""
    coverage = knowledge.coverage(psa.integration_id)
    return min((one.as_of for one in billed), default=coverage.read_at)


def _missing(
    psa: PsaAccount, billed: Sequence[BilledLine], knowledge: TenantContext, now: datetime
) -> tuple[NoNumber | None, str | None]:
    """A PSA that was never completely read may hold further lines: nothing is said of it before."""
    as_of = read_at(psa, billed, knowledge)
    if knowledge.disconnected(psa.integration_id):
        return NoNumber.NOT_CONNECTED, None
    if knowledge.coverage(psa.integration_id).complete is None or as_of is None:
        return NoNumber.UNREAD, "the PSA was not completely read yet"
    if len(billed) > 1:
        return NoNumber.UNQUANTIFIED, AMBIGUOUS
    if any(one.quantity is None for one in billed):
        return NoNumber.UNQUANTIFIED, None
    if now >= knowledge.fresh_until(psa.integration_id, as_of):
        return NoNumber.STALE, None
    return None, None


def _billed(line: ObservedState[AgreementLineObserved], scope: AccountGroup) -> BilledLine:
    """A PSA that names no currency bills in the tenant's."""
    seen = line.last_known
    coverage = scope.knowledge.coverage(seen.integration_id)
    return BilledLine(
        integration_id=seen.integration_id,
        line_id=seen.line_id,
        agreement_id=seen.agreement_id,
        agreement_name=seen.agreement_name,
        quantity=seen.quantity,
        included=seen.included,
        unit_price=seen.unit_price,
        currency=seen.currency or scope.tenant.currency,
        starts_on=seen.starts_on,
        ends_on=seen.ends_on,
        invoiced_until=seen.invoiced_until,
        observed_at=line.newest.observed_at,
        as_of=coverage.as_of(line.newest),
        run_id=line.newest.run_id,
        revision=line.newest.revision,
    )
