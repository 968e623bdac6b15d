"""What people who look at a page are told of runs that are held."""

from urllib.parse import quote

from billing.feeds.models import HeldRun
from shared.news_channel import News, NewsKind


def hold_news(held: HeldRun) -> News:
    """Returns the news of a hold or of its end; its id is what follows `/held-runs/` in its addresses."""
    name = "/".join(quote(part, safe="") for part in (held.integration_id, held.run_id))
    return News(kind=NewsKind.HOLD, id=name, state=held.state, at=held.resolved_at or held.held_at)
