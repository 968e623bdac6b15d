"""A piece of news with what it is stored and found by, worked out once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from billing.usage.ref import Ref, mapped_to, subject_of
from shared.contracts.base import State
from shared.contracts.matcher import MappingDecided
from shared.contracts.vendor_sync import SubscriptionObserved


@dataclass(frozen=True, slots=True)
class ChangeNotice:
    """News of one thing."""

    key: str
    """Names the thing: the key of the message."""
    subject: Ref
    """What the thing belongs to: a subscription and an agreement line to their account."""
    revision: int
    news: State

    @classmethod
    def of(cls, news: State) -> Self:
        return cls(news.key, subject_of(news), news.revision, news)


def affected_refs(notices: Iterable[ChangeNotice]) -> dict[Ref, Sequence[str]]:
    """What must be calculated again, each account with the keys of its subscriptions in the news.

    A mapping affects what it leads from and what it leads to; its row tells what it led to before.
    """
    affected: dict[Ref, list[str]] = {}
    for notice in notices:
        keys = affected.setdefault(notice.subject, [])
        if isinstance(notice.news, SubscriptionObserved):
            keys.append(notice.key)
        target = mapped_to(notice.news) if isinstance(notice.news, MappingDecided) else None
        if target:
            affected.setdefault(target, [])
    return dict(affected)
