"""What people ask of the catalogue, before anything is looked up."""

from datetime import UTC, datetime, timedelta

from matcher.catalogue.items import ItemKind
from matcher.catalogue.requests import ItemRequest
from matcher.catalogue.search import ItemFilter


def test_an_item_is_new_for_seven_days_to_whoever_does_not_say_since_when() -> None:
    query = ItemRequest(state=frozenset({ItemFilter.NEW})).query("demo", ItemKind.VENDOR_ACCOUNTS)

    assert query.since is not None
    assert timedelta(days=7) <= datetime.now(UTC) - query.since < timedelta(days=7, minutes=1)
