import pytest

from console.settings import Settings
from shared.limits.http import CONNECTIONS
from shared.limits.streams import STREAMS_PER_PROCESS
from shared.runtime.settings import load


@pytest.fixture(autouse=True)
def _needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH__URL", "http://127.0.0.1:8001")
    monkeypatch.setenv("REDIS__URL", "redis://127.0.0.1:6379/0")


def test_streams_leave_connections_for_pages_unless_told_otherwise() -> None:
    assert STREAMS_PER_PROCESS.most == 300
    assert load(Settings).events_at_once == 300
    assert CONNECTIONS.most - STREAMS_PER_PROCESS.most >= 100


@pytest.mark.parametrize(("streams", "connections"), [(80, 100), (1, 2), (400, 500)])
def test_streams_may_take_up_to_four_of_five_connections(
    monkeypatch: pytest.MonkeyPatch, streams: int, connections: int
) -> None:
    monkeypatch.setenv("EVENTS_AT_ONCE", str(streams))
    monkeypatch.setenv("HTTP__CONNECTIONS", str(connections))

    assert load(Settings).events_at_once == streams


@pytest.mark.parametrize(
    ("streams", "connections", "most", "least"), [(81, 100, 80, 102), (500, 500, 400, 625), (300, 10, 8, 375)]
)
def test_streams_that_leave_too_few_connections_for_pages_are_refused_at_the_start(
    *,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    streams: int,
    connections: int,
    most: int,
    least: int,
) -> None:
    monkeypatch.setenv("EVENTS_AT_ONCE", str(streams))
    monkeypatch.setenv("HTTP__CONNECTIONS", str(connections))

    with pytest.raises(SystemExit):
        load(Settings)

    assert capsys.readouterr().err == (
        f"EVENTS_AT_ONCE={streams} leaves too few of HTTP__CONNECTIONS={connections} for pages: "
        f"set EVENTS_AT_ONCE to at most {most}, or HTTP__CONNECTIONS to at least {least}\n"
    )
