from datetime import UTC, datetime, timedelta

from auth.access.models import CachedSession
from auth.providers.models import ProviderSession

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_a_session_is_usable_until_it_expires_is_refused_or_replaced() -> None:
    session = CachedSession(ProviderSession("https://x.example", {}, timedelta(minutes=5)), NOW, 1)

    assert session.is_usable(1, NOW + timedelta(minutes=4), None)
    assert not session.is_usable(1, NOW + timedelta(minutes=5), None)
    assert not session.is_usable(2, NOW, None)
    assert not session.is_usable(1, NOW, NOW)
    assert session.is_usable(1, NOW, NOW - timedelta(seconds=1))
