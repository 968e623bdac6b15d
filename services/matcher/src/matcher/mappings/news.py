"""What people who look at a page are told of decisions."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from urllib.parse import quote

from shared.contracts.matcher import MappingDecided
from shared.news_channel import Announce, News, NewsKind


def announce_decisions(announce: Announce, decisions: Sequence[MappingDecided]) -> None:
    """Tells of decisions that are committed."""
    for tenant_id, of_tenant in groupby(decisions, key=attrgetter("tenant_id")):
        announce(tenant_id, [_news_of(decision) for decision in of_tenant])


def _news_of(decision: MappingDecided) -> News:
    # The id is what follows `/mappings/` in the address under which the item is decided on.
    parts = decision.kind, decision.vendor_integration_id, decision.vendor_id
    item = "/".join(quote(part, safe="") for part in parts)
    return News(kind=NewsKind.MAPPING, id=item, state=decision.decision, at=decision.decided_at)
