"""What people who look at a page are told of integrations."""

from datetime import UTC, datetime

from auth.integrations.models import Integration
from shared.news_channel import News, NewsKind

_MICROSECONDS = 1_000_000


def integration_news(integration: Integration) -> News:
    """Returns the news of an integration that is saved; its revision tells since when it is so."""
    at = datetime.fromtimestamp(integration.revision / _MICROSECONDS, UTC)
    return News(kind=NewsKind.INTEGRATION, id=integration.integration_id, state=integration.status, at=at)
