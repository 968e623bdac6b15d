"""The event catalogue of `shared/README.md`, written from the contracts."""

import sys
from pathlib import Path

from shared.contracts import MESSAGES, Command, Message

BEGIN, END = "<!-- catalogue: written by `make catalogue` -->", "<!-- end of catalogue -->"


def table() -> str:
    """One row a topic: what it means, who says it, who hears it, its key."""
    head = "| topic | kind | meaning | said by | heard by | key |\n|---|---|---|---|---|---|\n"
    return head + "\n".join(_row(message) for message in MESSAGES)


def renewed(text: str) -> str:
    """The page with its table written anew; raises `ValueError` when its marks are missing."""
    before, found, rest = text.partition(BEGIN)
    _, closed, after = rest.partition(END)
    if not found or not closed:
        raise ValueError(f"the page lacks the lines {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _row(message: type[Message]) -> str:
    key = ":".join(("tenant", *(name.removesuffix("_id") for name in message.key_fields)))
    cells = (
        f"`{message.topic}`",
        _kind(message),
        message.meaning,
        _speaker(message),
        _hearers(message),
        f"`{key}`",
    )
    return f"| {' | '.join(cells)} |"


def _kind(message: type[Message]) -> str:
    if issubclass(message, Command):
        return "command"
    return "state" if message.compacted else "event"


def _speaker(message: type[Message]) -> str:
    """A command's topic names its handler; commands are given by billing alone."""
    return "billing" if issubclass(message, Command) else message.topic.partition(".")[0]


def _hearers(message: type[Message]) -> str:
    return ", ".join(message.readers) or "other systems"


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(renewed(page.read_text("utf-8")), "utf-8")
