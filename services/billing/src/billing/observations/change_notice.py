"""A piece of news with the names that it is stored and found by, worked out once."""

from collections.abc import Iterable
from dataclasses import dataclass

from billing.usage import refs
from shared.contracts.base import State
from shared.contracts.matcher import MappingDecided
from shared.contracts.vendor_sync import SubscriptionObserved


@dataclass(frozen=True, slots=True)
class ChangeNotice:
    """`key` names the thing told of, `ref` what it belongs to."""

    key: str
    ref: str
    revision: int
    news: State


def told_of(news: State) -> ChangeNotice:
    return ChangeNotice(news.key, refs.ref_of(news), news.revision, news)


def touched_by(told: Iterable[ChangeNotice]) -> dict[str, list[str]]:
    """The refs to look at again, each with the keys of the subscriptions that were told of under it.

    What a mapping led to before is told by its row (`moved_from`).
    """
    touched: dict[str, list[str]] = {}
    for one in told:
        keys = touched.setdefault(one.ref, [])
        if isinstance(one.news, SubscriptionObserved):
            keys.append(one.key)
        leads_to = refs.mapped_to(one.news) if isinstance(one.news, MappingDecided) else None
        if leads_to:
            touched.setdefault(leads_to, [])
    return touched
