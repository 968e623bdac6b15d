"""The month that passes at the vendor while the PSA stands still."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sandbox.ingram.marketplace import MarketplaceState
from sandbox.ingram.records import Subscription
from sandbox.ingram.sale import Sale, sell
from sandbox.story.builder import BuiltStory, StoryBuilder
from sandbox.story.scenario import ScenarioPart

Json = dict[str, Any]


@dataclass(slots=True)
class Month:
    """Seats up, seats down, a last seat gone, and a renewal under a new id; it passes once."""

    story: StoryBuilder
    marketplace: MarketplaceState
    passed: bool = False

    def passes(self, today: date) -> list[Json]:
        """What changed; nothing more the second time."""
        if self.passed:
            return []
        self.passed = True
        changes = [change for told in self.story.lines for change in self._happens(told, today)]
        self.marketplace.touched()
        return changes

    def _happens(self, told: BuiltStory, today: date) -> list[Json]:
        subscription = self.marketplace.subscriptions.get(told.subscription_ids[0])
        if subscription is None:
            return []
        match told.line.part:
            case ScenarioPart.INCREASE | ScenarioPart.DECREASE:
                return [_reseated(subscription, told, today)]
            case ScenarioPart.LAST_SEAT_GONE:
                return [_terminated(subscription, today)]
            case ScenarioPart.RENEWAL:
                return [self._renewed(subscription, today)]
        return []

    def _renewed(self, old: Subscription, today: date) -> Json:
        """Monthly terms renew under a new id, and the old one is `removed` (seen in a live tenant)."""
        new = sell(self.marketplace, Sale(old.customer_id, old.offer, old.lines[0].quantity, today), today)
        old.status, old.modified = "removed", today
        return _change("renewed", old, before=old.id, after=new.id)


def _reseated(subscription: Subscription, told: BuiltStory, today: date) -> Json:
    before, after = subscription.lines[0].quantity, told.quantities.bought_after
    subscription.lines[0].quantity = after or 0
    subscription.modified = today
    what = "seats-up" if told.line.part is ScenarioPart.INCREASE else "seats-down"
    return _change(what, subscription, before=before, after=after)


def _terminated(subscription: Subscription, today: date) -> Json:
    before, subscription.status, subscription.modified = subscription.status, "terminated", today
    return _change("last-seat-gone", subscription, before=before, after="terminated")


def _change(what: str, subscription: Subscription, *, before: Any, after: Any) -> Json:
    return {
        "what": what,
        "subscription_id": subscription.id,
        "customer_id": subscription.customer_id,
        "before": before,
        "after": after,
    }
