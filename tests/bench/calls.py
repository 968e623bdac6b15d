"""Row `calls`: the vendor's calls from connecting to the end of the first run, against the least possible."""

# The least possible, for a marketplace with 1,200 active and no held subscriptions of 150 customers:
#
#   2 tokens (checking the credentials takes one of its own) and 1 call that checks them
#   1 page of customers (500 a page), 2 times 3 + 1 pages of subscriptions: both lists, before and after
#   1,200 details, and one more of each offer: nobody has seen any before, so one subscription of each is read
#   first, and again with its account
#
# Calls are taken from the sandbox's journal, so no call can be forgotten by the side that makes it.

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.bench.connected_system import ConnectedEnv, read_sandbox
from tests.bench.harness import Row, Sign, Spread, Target

_TARGET = Target(Sign.AT_MOST, 1)
_PAGE = 500
_STATUSES = ("active", "hold")


async def measure(env: ConnectedEnv) -> list[Row]:
    """Count the calls; the notes say which kinds were made more often than necessary."""
    vendor = "ingram-micro"
    calls = (await read_sandbox(env.system, "calls", provider=vendor))["calls"]
    made = Counter(_kind(call["path"].split("/")[3:], call["query"]) for call in calls)
    least = _least((await read_sandbox(env.system, "state", provider=vendor))[vendor])
    row = Row(
        name="vendor calls of a first run",
        unit="calls",
        ours=Spread.of([made.total()]),
        bare=Spread.of([least.total()]),
        ratio=Spread.of([made.total() / least.total()]),
        target=_TARGET,
        notes=tuple(f"{kind}: {made[kind]} of {least[kind]}" for kind in sorted(least | made)),
    )
    return [row]


def _least(state: Mapping[str, Any]) -> Counter[str]:
    statuses = Counter(row["status"] for row in state["subscriptions"])
    return Counter(
        {
            "tokens": 2,
            "checking the credentials": 1,
            "pages of customers": _pages(len(state["customers"])),
            "pages of subscriptions": 2 * sum(_pages(statuses[status]) for status in _STATUSES),
            "details": sum(statuses[status] for status in _STATUSES) + _offers(state),
        }
    )


def _offers(state: Mapping[str, Any]) -> int:
    """Return the number of offers that are sold, told apart as a list tells them: by name and periods."""
    rows = [row for row in state["subscriptions"] if row["status"] in _STATUSES]
    return len({(row["name"], str(row["subscriptionPeriod"]), str(row["billingPeriod"])) for row in rows})


def _pages(rows: int) -> int:
    """Return the number of pages of a list; an empty list takes one, too."""
    return max(1, -(-rows // _PAGE))


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
