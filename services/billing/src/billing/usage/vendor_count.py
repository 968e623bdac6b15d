"""What the vendor says is bought: subscriptions as items, and the sum of those that count."""

# Invariant: no number is not zero (architecture §4). A sum is a number only when all that it rests on was
# read within the freshness setting: the items that count, *and* each marketplace that could sell the product
# and sells none.
#
#   4 in A, B was completely read     → 4, as old as the older reading
#   4 in A, B was never read          → unread, known part 4
#   4 in A, B was disconnected        → 4: a marketplace that was left says nothing against the others
#   4 in A, and a line without quantity → unquantified ("mixed"), known part 4

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.usage.account_group import AccountGroup, IntegrationRule, TenantContext
from billing.usage.allocation import LineBasis
from billing.usage.coverage import Coverage, Coverages, ObservedState
from billing.usage.usage_line import CountStatus, VendorItem
from shared.contracts.base import NoNumber
from shared.contracts.billing import Count
from shared.contracts.vendor_sync import SubscriptionLine, SubscriptionObserved, SubscriptionStatus


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure that a sum rests on: a counting item, or that an integration sells none of it."""

    integration_id: str
    as_of: datetime | None
    """None when the integration was never completely read."""


@dataclass(frozen=True, slots=True)
class VendorCount:
    """The vendor's side of a usage line."""

    count: Count
    items: Sequence[VendorItem]
    counting: Sequence[VendorItem]
    sources: tuple[str, ...]
    """The integrations that the count rests on, in order."""
    changes_at: Sequence[datetime]
    """The moments at which a reading becomes stale."""


def vendor_items(group: AccountGroup) -> list[VendorItem]:
    """An item for every line of every subscription; one without service where only the list row was read."""
    return [item for state in group.subscriptions for item in _items_of(state, group.context)]


def count_vendor(basis: LineBasis, context: TenantContext, now: datetime) -> VendorCount:
    """The sum of the items that count, or why there is no such number."""
    counting = [item for item in basis.items if item.counts]
    sources = basis.sources
    if counting:  # else a disconnected source takes the verdict: nobody else says anything
        sources = {source for source in sources if context.rules[source].connected}
    readings = readings_of(counting, sources, context.coverages)
    stale_at = [one.as_of + context.rules[one.integration_id].freshness for one in readings if one.as_of]
    known = sum((item.quantity for item in counting if item.quantity is not None), Decimal(0))
    missing = _missing(counting, readings, context, stale=any(now >= moment for moment in stale_at))
    as_of = oldest(readings)
    if missing:
        count = Count(missing=missing, known_part=known, detail=_detail(missing, counting), as_of=as_of)
    else:
        # Nothing counts and all of it is verified gone: the zero says so.
        absent = bool(basis.items) and all(item.standing is CountStatus.ABSENT for item in basis.items)
        count = Count(number=known, missing=NoNumber.ABSENT if absent else None, as_of=as_of)
    rests_on = tuple(sorted({reading.integration_id for reading in readings}))
    return VendorCount(count, basis.items, counting, rests_on, stale_at)


def readings_of(
    counting: Sequence[VendorItem], sources: Iterable[str], coverages: Coverages
) -> list[Reading]:
    """What a sum rests on: the reading of each item that counts, and of each source that sells none of it."""
    selling = {item.integration_id for item in counting}
    readings = [Reading(item.integration_id, item.as_of) for item in counting]
    return readings + [
        Reading(source, coverages[source].read_at) for source in sources if source not in selling
    ]


def oldest(readings: Iterable[Reading]) -> datetime | None:
    """The age of a sum; None when nothing was read."""
    return min((reading.as_of for reading in readings if reading.as_of), default=None)


def _missing(
    counting: Sequence[VendorItem], readings: Sequence[Reading], context: TenantContext, *, stale: bool
) -> NoNumber | None:
    """The first reason, by weight, why the sum is no number."""
    if not all(context.rules[reading.integration_id].connected for reading in readings):
        return NoNumber.NOT_CONNECTED
    if any(item.missing is NoNumber.UNREAD for item in counting):
        return NoNumber.UNREAD
    if any(reading.as_of is None for reading in readings):
        return NoNumber.UNREAD
    if any(item.missing for item in counting):
        return NoNumber.UNQUANTIFIED
    return NoNumber.STALE if stale else None


def _detail(missing: NoNumber, counting: Sequence[VendorItem]) -> str | None:
    """The sentence beside a missing number; a sum of which only a part is known is told as such."""
    if missing is NoNumber.UNQUANTIFIED and any(item.quantity is not None for item in counting):
        return "mixed"
    otherwise = "the vendor was not completely read yet" if missing is NoNumber.UNREAD else None
    return next((item.detail for item in counting if item.missing is missing), otherwise)


def _items_of(state: ObservedState[SubscriptionObserved], context: TenantContext) -> Iterator[VendorItem]:
    subscription = state.last_known
    coverage = context.coverages[subscription.integration_id]
    rule = context.rules[subscription.integration_id]
    status = _count_status(state, coverage, rule)
    if subscription.detailed and subscription.lines:
        for line in subscription.lines:
            yield _item(state, line, status, coverage)
    elif status is CountStatus.COUNTING:
        yield _item(state, None, status, coverage)


def _count_status(
    state: ObservedState[SubscriptionObserved], coverage: Coverage, rule: IntegrationRule
) -> CountStatus:
    """Unknown is not zero: a status that nobody can read keeps counting, without a number."""
    if coverage.shows_gone(state.newest):
        return CountStatus.ABSENT
    match state.last_known.status:
        case SubscriptionStatus.ACTIVE | SubscriptionStatus.UNKNOWN:
            return CountStatus.COUNTING
        case SubscriptionStatus.HOLD:
            return CountStatus.COUNTING if rule.hold_billable else CountStatus.IDLE
        case SubscriptionStatus.PENDING:
            return CountStatus.IDLE
        case SubscriptionStatus.TERMINATED | SubscriptionStatus.REMOVED:
            return CountStatus.ENDED


def _item(
    state: ObservedState[SubscriptionObserved],
    line: SubscriptionLine | None,
    status: CountStatus,
    coverage: Coverage,
) -> VendorItem:
    subscription, newest = state.last_known, state.newest
    missing, detail = _why_no_quantity(subscription, line)
    return VendorItem(
        integration_id=subscription.integration_id,
        subscription_id=subscription.subscription_id,
        account_id=newest.account_id,  # one that moved and then went counts no more where it was before
        service_id=line.service_id if line else None,
        name=subscription.name,
        status=subscription.status,
        standing=status,
        quantity=line.quantity if line and not missing else None,
        missing=missing,
        detail=detail,
        unit_price=line.unit_price if line else None,
        currency=line.currency if line else None,
        observed_at=newest.observed_at,
        as_of=coverage.as_of(newest),
        run_id=newest.run_id,
        revision=newest.revision,
    )


def _why_no_quantity(
    subscription: SubscriptionObserved, line: SubscriptionLine | None
) -> tuple[NoNumber | None, str | None]:
    """The kind of "no number" with its sentence; both None where the line has a quantity."""
    if line is None:
        return NoNumber.UNREAD, "only its list row was read"
    if subscription.status is SubscriptionStatus.UNKNOWN:
        return NoNumber.UNQUANTIFIED, "its status is not one that is known"
    if line.missing in (None, NoNumber.UNREAD):
        return line.missing, None
    # The vendor's own reason stays as the sentence; for billing each of them is a missing quantity.
    return NoNumber.UNQUANTIFIED, None if line.missing is NoNumber.UNQUANTIFIED else line.missing
