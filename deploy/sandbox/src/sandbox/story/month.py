"""Applies a scripted month at the vendor while the PSA stands still."""

# What happens is decided by each line's part and by the numbers drawn when the story was built, so the same
# seed always has the same month:
#
#   increase, decrease   the number of seats becomes `bought_after`
#   last seat gone       the subscription is terminated
#   renewal              a new subscription with the same seats; the old one becomes `removed`
#
# The month is applied once.  A subscription that somebody removed before is left out.

from dataclasses import dataclass
from datetime import date
from typing import Any

from sandbox.ingram.marketplace import MarketplaceState
from sandbox.ingram.records import Subscription
from sandbox.ingram.sale import Sale, sell
from sandbox.story.builder import BuiltLine, BuiltStory
from sandbox.story.scenario import ScenarioPart

Json = dict[str, Any]


@dataclass(slots=True)
class Month:
    """The month of one story: seats up, seats down, a last seat gone, and a renewal under a new id."""

    story: BuiltStory
    marketplace: MarketplaceState
    applied: bool = False

    def apply_once(self, today: date) -> list[Json]:
        """Apply the month and return its changes; the second time nothing changes."""
        if self.applied:
            return []
        self.applied = True
        changes = [change for built in self.story.lines if (change := self._apply(built, today))]
        self.marketplace.invalidate_lists()
        return changes

    def _apply(self, built: BuiltLine, today: date) -> Json | None:
        subscription = self.marketplace.subscriptions.get(built.subscription_ids[0])
        if subscription is None:
            return None
        match built.line.part:
            case ScenarioPart.INCREASE | ScenarioPart.DECREASE as part:
                before, after = subscription.lines[0].quantity, built.quantities.bought_after
                subscription.lines[0].quantity = after or 0
                subscription.modified = today
                what = "seats-up" if part is ScenarioPart.INCREASE else "seats-down"
                return _change(what, subscription, before=before, after=after)
            case ScenarioPart.LAST_SEAT_GONE:
                status = subscription.status
                subscription.status, subscription.modified = "terminated", today
                return _change("last-seat-gone", subscription, before=status, after="terminated")
            case ScenarioPart.RENEWAL:
                # Monthly terms renew under a new id, and the old one is `removed` (seen in a live tenant).
                sale = Sale(
                    subscription.customer_id, subscription.offer, subscription.lines[0].quantity, today
                )
                renewed = sell(self.marketplace, sale, today)
                subscription.status, subscription.modified = "removed", today
                return _change("renewed", subscription, before=subscription.id, after=renewed.id)
        return None


def _change(what: str, subscription: Subscription, *, before: Any, after: Any) -> Json:
    return {
        "what": what,
        "subscription_id": subscription.id,
        "customer_id": subscription.customer_id,
        "before": before,
        "after": after,
    }
