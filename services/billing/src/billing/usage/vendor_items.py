"""Subscriptions as the items that a count is made of."""

from collections.abc import Iterator

from billing.usage.account_group import AccountGroup, TenantContext
from billing.usage.coverage import Coverage, ObservedState
from billing.usage.usage_line import CountStatus, VendorItem
from shared.contracts.base import NoNumber
from shared.contracts.vendor_sync import SubscriptionLine, SubscriptionObserved, SubscriptionStatus


def items_of(scope: AccountGroup) -> list[VendorItem]:
    """Every line of every subscription; one without service where only the list row was read."""
    return [item for kept in scope.subscriptions for item in _items(kept, scope.knowledge)]


def _items(kept: ObservedState[SubscriptionObserved], knowledge: TenantContext) -> Iterator[VendorItem]:
    seen = kept.last_known
    coverage = knowledge.coverage(seen.integration_id)
    hold_billable = knowledge.settings(seen.integration_id).hold_billable
    standing = _standing(seen.status, gone=coverage.gone(kept.newest), hold_billable=hold_billable)
    if seen.detailed and seen.lines:
        for line in seen.lines:
            yield _item(kept, standing, coverage, line)
    elif standing is CountStatus.COUNTING:
        yield _item(kept, standing, coverage, None)


def _standing(status: SubscriptionStatus, *, gone: bool, hold_billable: bool) -> CountStatus:
    """Unknown is not zero: a status that nobody can read keeps counting, without a number."""
    if gone:
        return CountStatus.ABSENT
    match status:
        case SubscriptionStatus.ACTIVE | SubscriptionStatus.UNKNOWN:
            return CountStatus.COUNTING
        case SubscriptionStatus.HOLD:
            return CountStatus.COUNTING if hold_billable else CountStatus.IDLE
        case SubscriptionStatus.PENDING:
            return CountStatus.IDLE
        case SubscriptionStatus.TERMINATED | SubscriptionStatus.REMOVED:
            return CountStatus.ENDED


def _item(
    kept: ObservedState[SubscriptionObserved],
    standing: CountStatus,
    coverage: Coverage,
    line: SubscriptionLine | None,
) -> VendorItem:
    seen = kept.last_known
    missing, detail = _missing(seen, line)
    return VendorItem(
        integration_id=seen.integration_id,
        subscription_id=seen.subscription_id,
        account_id=kept.newest.account_id,  # where it was before it moved it counts no more
        service_id=line.service_id if line else None,
        name=seen.name,
        status=seen.status,
        standing=standing,
        quantity=line.quantity if line and not missing else None,
        missing=missing,
        detail=detail,
        unit_price=line.unit_price if line else None,
        currency=line.currency if line else None,
        observed_at=kept.newest.observed_at,
        as_of=coverage.as_of(kept.newest),
        run_id=kept.newest.run_id,
        revision=kept.newest.revision,
    )


def _missing(seen: SubscriptionObserved, line: SubscriptionLine | None) -> tuple[NoNumber | None, str | None]:
    if line is None:
        return NoNumber.UNREAD, "only its list row was read"
    if seen.status is SubscriptionStatus.UNKNOWN:
        return NoNumber.UNQUANTIFIED, "its status is not one that is known"
    if line.missing in (None, NoNumber.UNREAD):
        return line.missing, None
    return NoNumber.UNQUANTIFIED, None if line.missing is NoNumber.UNQUANTIFIED else line.missing
