"""What people who look at a page are told of approvals."""

from collections.abc import Iterable

from billing.approvals.models import Approval
from shared.news_channel import News, NewsKind


def approval_news(approvals: Iterable[Approval]) -> list[News]:
    """Returns the news of approvals that are committed; the id of each is the approval's."""
    return [
        News(kind=NewsKind.APPROVAL, id=one.approval_id, state=one.state, at=one.ended_at or one.decided_at)
        for one in approvals
    ]
