"""What an operator does about messages that Kafka will never take: `python -m <service> outbox …`."""

from argparse import ArgumentParser, Namespace
from typing import Protocol

from shared.mongo import Mongo
from shared.runtime.settings import MongoSettings
from shared.undeliverable import UndeliverableMessage, UndeliverableMessages

_NONE = "no message is set aside"


class OutboxSettings(Protocol):
    """What the commands need of a service's settings."""

    @property
    def mongo(self) -> MongoSettings: ...


def add_arguments(parser: ArgumentParser) -> None:
    """Declares the commands and their options."""
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the newest hundred messages that were set aside, and why")
    send_again = commands.add_parser("send-again", help="put a message back into the outbox")
    discard = commands.add_parser("discard", help="forget a message for good")
    for command in (send_again, discard):
        command.add_argument("id", metavar="ID", help="as `outbox list` shows it")


async def run(service: str, settings: OutboxSettings, arguments: Namespace) -> str:
    """Runs one command and returns what to print.

    Raises `NotFound` for an id that is not there, `Conflict` for a message that must not be sent any more,
    and `TransientError` when the document store does not answer.
    """
    mongo = Mongo(settings.mongo)
    try:
        messages = UndeliverableMessages(mongo)
        match arguments.command:
            case "list":
                return "\n\n".join(map(_describe, await messages.list())) or f"{service}: {_NONE}"
            case "send-again":
                await messages.send_again(arguments.id)
                return f"{arguments.id} is in the outbox again"
            case _:
                await messages.discard(arguments.id)
                return f"{arguments.id} is discarded"
    finally:
        await mongo.close()


def _describe(message: UndeliverableMessage) -> str:
    what = "what waited for it has ended" if message.ended else "nothing has ended for it"
    return (
        f"{message.id}  {message.set_aside_at:%Y-%m-%d %H:%M} UTC  {message.size_bytes:,} bytes  {what}\n"
        f"  {message.topic}  {message.key}\n"
        f"  {message.reason}"
    )
