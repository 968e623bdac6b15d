"""A person who is written into every field that a provider may hold personal data in; to be found nowhere."""

from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Self

from database_copies import RestorableMongo

from shared.contracts import Message

FIRST_NAME, LAST_NAME = "Canaria", "Finchley"
EMAIL = f"{FIRST_NAME}.{LAST_NAME}@contoso.example"
PHONE = "+1 512 555 0199"
STREET = "77 Canary Wharf Lane"
TRACES = ("canaria", "finchley", "5550199", "555 0199", "canary wharf")
"""What would give the person away, without regard to case."""


def traces_in(*places: object) -> list[str]:
    """Returns which traces of the person are in these things."""
    text = " ".join(map(repr, places)).casefold()
    return [trace for trace in TRACES if trace in text]


class PersonalDataWatch:
    """Collects what is logged while it is entered, and looks for the person there and elsewhere."""

    def __init__(self) -> None:
        self._written = StringIO()
        written = self._written
        self._redirections = redirect_stdout(written), redirect_stderr(written)

    def __enter__(self) -> Self:
        for redirection in self._redirections:
            redirection.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        for redirection in reversed(self._redirections):
            redirection.__exit__(None, None, None)

    async def traces(self, mongo: RestorableMongo, messages: Iterable[Message]) -> dict[str, list[str]]:
        """Returns the traces in the log, in all stored documents and in the messages, by place."""
        published = [message.model_dump_json() for message in messages]
        stored = await mongo.copy()
        assert published
        assert stored
        return {
            "log": traces_in(self._written.getvalue()),
            "messages": traces_in(published),
            **{name: traces_in(rows) for name, rows in stored.items()},
        }
