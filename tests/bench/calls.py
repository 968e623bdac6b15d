"""Row: the calls that the vendor got from connecting to the end of the first run, against the least."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tests.bench.connected import Connected, sandbox_says
from tests.bench.harness import Row, Sign, Spread, Target

_EXACT = Target(Sign.AT_MOST, 1)
_PAGE = 500
_LISTED = ("active", "hold")


async def measure(ground: Connected) -> list[Row]:
    """Counts by the sandbox's own log; which calls were too many is in the notes."""
    vendor = "ingram-micro"
    made = _kinds((await sandbox_says(ground.system, "calls", provider=vendor))["calls"])
    least = _least((await sandbox_says(ground.system, "state", provider=vendor))[vendor])
    row = Row(
        name="vendor calls of a first run",
        unit="calls",
        ours=Spread.of([made.total()]),
        bare=Spread.of([least.total()]),
        ratio=Spread.of([made.total() / least.total()]),
        target=_EXACT,
        notes=tuple(f"{kind}: {made[kind]} of {least[kind]}" for kind in sorted(least | made)),
    )
    return [row]


def _least(state: Mapping[str, Any]) -> Counter[str]:
    """Lists before and after the details; checking credentials takes a token of its own, and a customer."""
    statuses = Counter(one["status"] for one in state["subscriptions"])
    return Counter(
        {
            "tokens": 2,
            "checking the credentials": 1,
            "pages of customers": _pages(len(state["customers"])),
            "pages of subscriptions": 2 * sum(_pages(statuses[status]) for status in _LISTED),
            "details": sum(statuses[status] for status in _LISTED),
        }
    )


def _pages(rows: int) -> int:
    """An empty list takes a page, too."""
    return max(1, -(-rows // _PAGE))


def _kinds(calls: Iterable[Mapping[str, Any]]) -> Counter[str]:
    return Counter(_kind(call["path"].split("/")[3:], call["query"]) for call in calls)


def _kind(path: list[str], query: str) -> str:
    match path:
        case ["token"]:
            return "tokens"
        case ["customers"]:
            return "pages of customers" if f"limit={_PAGE}" in query else "checking the credentials"
        case ["subscriptions"]:
            return "pages of subscriptions"
        case ["subscriptions", _]:
            return "details"
    return "/".join(path)
