"""The items of an account group: what its vendor accounts were read to have, subscription line by line."""

# Invariant: an item without a number says why, and none of the reasons is zero. A subscription that was never
# read may be of any service of its account, so it is an item without a service.
#
#   sub1: 5 of svc1, 2 of svc2   → two items     sub2, answered 403, read as 4 before → 4, with the reason
#   sub3, never read             → an item without service and number
#   sub4, pending when it was read, answered 403 since → counts, without number: it may be active by now

from collections.abc import Iterator

from billing.usage.account_group import AccountGroup, IntegrationRule
from billing.usage.manifest import AppliedManifest, EffectiveThing
from billing.usage.subscription import LineState, SubscriptionState
from billing.usage.usage_line import CountStatus, VendorItem
from shared.contracts.base import NoNumber
from shared.contracts.vendor_sync import (
    MissingQuantity,
    SubscriptionStatus,
)

_SENTENCES = {
    MissingQuantity.EXTERNAL_RATING: "the vendor rates it after use, so it has no number of seats",
    MissingQuantity.NO_QUANTITY: "the vendor lists the product without a quantity",
    MissingQuantity.NO_PRODUCTS: "the vendor lists no products in the subscription",
}


def vendor_items(group: AccountGroup) -> list[VendorItem]:
    """An item for every line of every subscription of a group that its manifests name.

    A subscription that could never be read is one item without service.
    """
    items = [item for thing in group.subscriptions for item in _items_of(thing, group)]
    known = {(thing.account, thing.observed.subscription_id) for thing in group.subscriptions}
    for account in group.accounts:
        manifest = group.manifests.get(account.ref)
        standing = _standing(CountStatus.COUNTING, account.ref.integration_id, group)
        for id_, reason in manifest.unreadable.items() if manifest else ():
            if manifest and (account.ref, id_) not in known:
                items.append(_unread_item(manifest, id_, reason, standing))
    return items


def _items_of(thing: EffectiveThing[SubscriptionState], group: AccountGroup) -> Iterator[VendorItem]:
    subscription = thing.observed
    status = _count_status(subscription, group.context.rules[subscription.integration_id])
    # What counted keeps its number, which tells its age. What did not may count by now, and has none to keep.
    may_count = bool(thing.unreadable) and status is not CountStatus.COUNTING
    if may_count:
        status = CountStatus.COUNTING
    status = _standing(status, subscription.integration_id, group)
    if subscription.detailed and subscription.lines:
        for line in subscription.lines:
            yield _item(thing, line, status, may_count=may_count)
    elif status is CountStatus.COUNTING:
        yield _item(thing, None, status, may_count=may_count)


def _standing(status: CountStatus, integration_id: str, group: AccountGroup) -> CountStatus:
    """The status within the group: what would count, but is of a pending integration, is a preview."""
    would_count = status is CountStatus.COUNTING
    return CountStatus.PREVIEW if would_count and group.previews(integration_id) else status


def _count_status(subscription: SubscriptionState, rule: IntegrationRule) -> CountStatus:
    """Whether the subscription counts.

    One with an unknown status counts, without a quantity: taking it for zero would hide usage.
    """
    match subscription.status:
        case SubscriptionStatus.ACTIVE | SubscriptionStatus.UNKNOWN:
            return CountStatus.COUNTING
        case SubscriptionStatus.HOLD:
            return CountStatus.COUNTING if rule.hold_billable else CountStatus.IDLE
        case SubscriptionStatus.PENDING:
            return CountStatus.IDLE
        case SubscriptionStatus.TERMINATED | SubscriptionStatus.REMOVED:
            return CountStatus.ENDED


def _item(
    thing: EffectiveThing[SubscriptionState], line: LineState | None, status: CountStatus, *, may_count: bool
) -> VendorItem:
    subscription = thing.observed
    missing, detail = _why_no_quantity(subscription, line)
    if may_count:
        missing = NoNumber.UNREAD
        which = f"subscription {subscription.subscription_id}"
        detail = f"{which} did not count, and could not be read since: {thing.unreadable}"
    elif thing.unreadable:
        detail = f"it could not be read since: {thing.unreadable}"
    return VendorItem(
        integration_id=subscription.integration_id,
        subscription_id=subscription.subscription_id,
        account_id=thing.account.id,
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
        observed_at=subscription.observed_at,
        as_of=thing.as_of,
        run_id=subscription.run_id,
        revision=subscription.revision,
    )


def _unread_item(
    manifest: AppliedManifest, subscription_id: str, reason: str, standing: CountStatus
) -> VendorItem:
    """A subscription that is listed and was never read: it may be of any service of its account."""
    return VendorItem(
        integration_id=manifest.account.integration_id,
        subscription_id=subscription_id,
        account_id=manifest.account.id,
        name=subscription_id,
        status=SubscriptionStatus.UNKNOWN,
        standing=standing,
        missing=NoNumber.UNREAD,
        detail=f"subscription {subscription_id} could not be read: {reason}",
        observed_at=manifest.read_from,
        as_of=manifest.read_from,
        run_id=manifest.run_id,
        revision=manifest.revision,
    )


def _why_no_quantity(
    subscription: SubscriptionState, line: LineState | None
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
