"""Writes the generated tables of `shared/README.md`, of events and of limits: `make catalogue`."""

import sys
from pathlib import Path

from shared.contracts import MESSAGES, Command, Message
from shared.limits import Limit, all_limits


def current_tables() -> dict[str, str]:
    """Returns each table in Markdown, by the name that its marks in the page carry."""
    events = "| topic | kind | meaning | published by | consumed by | key |\n|---|---|---|---|---|---|\n"
    limits = "| limit | on | at most | beyond |\n|---|---|---|---|\n"
    return {
        "catalogue": events + "\n".join(_row(message) for message in MESSAGES),
        "limits": limits + "\n".join(_limit_row(limit) for limit in all_limits()),
    }


def with_current_tables(page: str) -> str:
    """Returns the page with its tables generated anew; raises `ValueError` when their marks are missing."""
    for name, table in current_tables().items():
        begin, end = f"<!-- {name}: written by `make catalogue` -->", f"<!-- end of {name} -->"
        before, found, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"the page lacks the lines {begin!r} and {end!r}")
        page = f"{before}{begin}\n{table}\n{end}{after}"
    return page


def _row(message: type[Message]) -> str:
    # A command's topic begins with the service that handles it, and billing alone gives commands; any other
    # topic begins with its publisher.
    if issubclass(message, Command):
        kind, publisher = "command", "billing"
    else:
        kind = "state" if message.compacted else "event"
        publisher = message.topic.partition(".")[0]
    consumers = ", ".join(message.readers) or "other systems"
    key = ":".join(("tenant", *(name.removesuffix("_id") for name in message.key_fields)))
    return f"| `{message.topic}` | {kind} | {message.meaning} | {publisher} | {consumers} | `{key}` |"


def _limit_row(limit: Limit) -> str:
    return f"| `{limit.name}` | {limit.bounds} | {limit} | {limit.beyond} |"


if __name__ == "__main__":
    readme = Path(sys.argv[1])
    readme.write_text(with_current_tables(readme.read_text("utf-8")), "utf-8")
