"""The event catalogue of `shared/README.md`, generated from the contracts: `make catalogue`."""

import sys
from pathlib import Path

from shared.contracts import MESSAGES, Command, Message

BEGIN, END = "<!-- catalogue: written by `make catalogue` -->", "<!-- end of catalogue -->"


def catalogue_table() -> str:
    """Returns the table in Markdown: one row for each topic."""
    head = "| topic | kind | meaning | published by | consumed by | key |\n|---|---|---|---|---|---|\n"
    return head + "\n".join(_row(message) for message in MESSAGES)


def with_current_table(page: str) -> str:
    """Returns the page with its table generated anew; raises `ValueError` when its marks are missing."""
    before, found, rest = page.partition(BEGIN)
    _, closed, after = rest.partition(END)
    if not found or not closed:
        raise ValueError(f"the page lacks the lines {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n{catalogue_table()}\n{END}{after}"


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


if __name__ == "__main__":
    readme = Path(sys.argv[1])
    readme.write_text(with_current_table(readme.read_text("utf-8")), "utf-8")
