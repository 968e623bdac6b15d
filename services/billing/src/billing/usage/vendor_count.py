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
from shared.contracts.vendor_sync import (
    MissingQuantity,
    SubscriptionLine,
    SubscriptionObserved,
    SubscriptionStatus,
)

_SENTENCES = {
    MissingQuantity.EXTERNAL_RATING: "the vendor rates it after use, so it has no number of seats",
    MissingQuantity.NO_QUANTITY: "the vendor lists the product without a quantity",
    MissingQuantity.NO_PRODUCTS: "the vendor lists no products in the subscription",
}


@dataclass(frozen=True, slots=True)
class Contributor:
    """Part of a sum: an item that counts, or an integration that sells none of the product."""

    integration_id: str
    as_of: datetime | None
    """When it was last read or confirmed; None when the integration was never completely read."""


@dataclass(frozen=True, slots=True)
class VendorCount:
    """The vendor's side of a usage line."""

    count: Count
    items: Sequence[VendorItem]
    counting: Sequence[VendorItem]
    sources: tuple[str, ...]
    """Ids of the integrations that the count rests on, sorted."""
    changes_at: Sequence[datetime]
    """The moments at which a contributor becomes stale."""


def vendor_items(group: AccountGroup) -> list[VendorItem]:
    """An item for every line of every subscription of a group.

    A counting subscription of which only the list row was read is one item without service.
    """
    return [item for state in group.subscriptions for item in _items_of(state, group.context)]


def count_vendor(basis: LineBasis, context: TenantContext, now: datetime) -> VendorCount:
    """The sum of the items that count, or why there is no such number."""
    counting = [item for item in basis.items if item.counts]
    sources = basis.vendor_integrations
    # A disconnected marketplace is left out only beside items that count: where nothing counts, a zero would
    # rest on marketplaces that were not asked.
    if counting:
        sources = {source for source in sources if context.rules[source].connected}
    contributors = contributors_of(counting, sources, context.coverages)
    stale_at = [one.as_of + context.rules[one.integration_id].freshness for one in contributors if one.as_of]
    known = sum((item.quantity for item in counting if item.quantity is not None), Decimal(0))
    missing = _missing(counting, contributors, context, stale=any(now >= moment for moment in stale_at))
    as_of = oldest_as_of(contributors)
    if missing:
        count = Count(missing=missing, known_part=known, detail=_detail(missing, counting), as_of=as_of)
    else:
        # Every item is verified gone: the zero is marked `absent`.
        absent = bool(basis.items) and all(item.standing is CountStatus.ABSENT for item in basis.items)
        count = Count(number=known, missing=NoNumber.ABSENT if absent else None, as_of=as_of)
    rests_on = tuple(sorted({one.integration_id for one in contributors}))
    return VendorCount(count, basis.items, counting, rests_on, stale_at)


def contributors_of(
    counting: Sequence[VendorItem], sources: Iterable[str], coverages: Coverages
) -> list[Contributor]:
    """The contributors to a sum: each item that counts, and each source without an item that counts."""
    selling = {item.integration_id for item in counting}
    contributors = [Contributor(item.integration_id, item.as_of) for item in counting]
    return contributors + [
        Contributor(source, coverages[source].read_at) for source in sources if source not in selling
    ]


def oldest_as_of(contributors: Iterable[Contributor]) -> datetime | None:
    """The moment as of which a sum is known: that of its oldest contributor; None when nothing was read."""
    return min((one.as_of for one in contributors if one.as_of), default=None)


def _missing(
    counting: Sequence[VendorItem],
    contributors: Sequence[Contributor],
    context: TenantContext,
    *,
    stale: bool,
) -> NoNumber | None:
    """Why the sum is no number, or None; of several reasons the one that comes first here."""
    if not all(context.rules[one.integration_id].connected for one in contributors):
        return NoNumber.NOT_CONNECTED
    if any(item.missing is NoNumber.UNREAD for item in counting):
        return NoNumber.UNREAD
    if any(one.as_of is None for one in contributors):
        return NoNumber.UNREAD
    if any(item.missing for item in counting):
        return NoNumber.UNQUANTIFIED
    return NoNumber.STALE if stale else None


def _detail(missing: NoNumber, counting: Sequence[VendorItem]) -> str | None:
    """The sentence that explains a missing number; "mixed" for a sum of which a part is known."""
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
    """Whether the subscription counts.

    One with an unknown status counts, without a quantity: taking it for zero would hide usage.
    """
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
        account_id=newest.account_id,  # also of one that is gone: it may have moved to that account first
        service_id=line.service_id if line else None,
        name=subscription.name,
        status=subscription.status,
        standing=status,
        quantity=line.quantity if line and not missing else None,
        missing=missing,
        reason=line.reason if line else None,
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
    # For billing each of the vendor's reasons is a missing quantity; the sentence says which it is.
    return NoNumber.UNQUANTIFIED, _SENTENCES[line.reason] if line.reason else None
