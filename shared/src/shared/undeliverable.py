"""Keeps the messages that Kafka will never take, each with the reason, until an operator has seen to them."""

# Invariant: a message is in the outbox or here, never in both and never in neither: it moves in one
# transaction, together with the messages that go out in its place.
#
#   outbox [A, B 3 MB, C]   → sent A, C   here [B: larger than Kafka takes]   outbox [B' a short run-finished]

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from pydantic import ValidationError

from shared.contracts import MESSAGES, Message
from shared.contracts.fields import shortened_sentence
from shared.errors import Conflict, NotFound
from shared.mongo import Document, Mongo, Session
from shared.runtime.clock import utc_now

_COLLECTION, _OUTBOX = "undeliverable", "outbox"
_ADDED = ("reason", "set_aside_at", "ended", "size_bytes")
"""The fields that a row has here and not in the outbox."""
_LISTED = ("topic", "key", *_ADDED)
"""Not the bodies: a hundred of them may have hundreds of megabytes."""
_MOST_LISTED = 100
_SHOWN_KEY_CHARACTERS = 200
_MODELS = {model.topic: model for model in MESSAGES}


UndeliverableHandler = Callable[[Message, str], Awaitable[Sequence[Message] | None]]
"""Ends what waits for a message (a run, an approval), given the message and why Kafka will never take it.

Returns messages to send in its place, maybe none; None when the message is not for this handler. It may be
called again with the same message.
"""


@dataclass(frozen=True, slots=True)
class UndeliverableMessage:
    """One message that was set aside, as an operator sees it."""

    id: str
    topic: str
    key: str
    size_bytes: int
    reason: str
    set_aside_at: datetime
    ended: bool
    """Whether what waited for it has ended, so that it must not be sent any more."""

    @classmethod
    def of(cls, row: Document) -> Self:
        return cls(
            row["_id"],
            row["topic"],
            row["key"][:_SHOWN_KEY_CHARACTERS],
            row["size_bytes"],
            row["reason"],
            row["set_aside_at"],
            row["ended"],
        )


class UndeliverableMessages:
    """The messages that one service set aside."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._rows, self._outbox = mongo.all_tenants(_COLLECTION), mongo.all_tenants(_OUTBOX)

    async def count(self) -> int:
        return await self._rows.count()

    async def list(self) -> list[UndeliverableMessage]:
        """Returns the newest hundred, newest first."""
        rows = await self._rows.find(sort=[("set_aside_at", -1)], limit=_MOST_LISTED, fields=_LISTED)
        return [UndeliverableMessage.of(row) for row in rows]

    async def take_over(
        self, row: Document, why: str, replacements: Sequence[Document] | None, *, session: Session
    ) -> None:
        """Moves a row of the outbox here, and puts the rows of its replacements there.

        Without replacements (None) nothing that waited for the message has ended.
        """
        letter: dict[str, Any] = {
            **row,
            "reason": shortened_sentence(why),
            "set_aside_at": utc_now(),
            "ended": replacements is not None,
            "size_bytes": len(row["body"]),
        }
        await self._rows.put(letter, session=session)
        await self._outbox.insert_many(replacements or (), session=session)
        await self._outbox.remove({"_id": row["_id"]}, session=session)

    async def send_again(self, id_: str) -> None:
        """Puts a message back into the outbox, to be sent again once Kafka takes messages of its size.

        Raises `NotFound`, or `Conflict` when what waited for it has ended, or when it states what may have
        changed since: behind a newer state it would be the one that a compacted topic keeps.
        """
        row = await self._require(id_)
        if row["ended"]:
            raise Conflict(f"what waited for {id_} has ended without it: it can only be discarded")
        model = _MODELS.get(row["topic"])
        if model is None or model.compacted:
            raise Conflict(f"{id_} states what may have changed since: it can only be discarded")
        stored = {name: value for name, value in row.items() if name not in _ADDED}

        async def work(session: Session) -> None:
            await self._outbox.insert(stored, session=session)
            await self._rows.remove({"_id": id_}, session=session)

        await self._mongo.transaction(work)

    async def discard(self, id_: str) -> None:
        """Forgets a message for good; raises `NotFound`."""
        await self._require(id_)
        await self._rows.remove({"_id": id_})

    async def _require(self, id_: str) -> Document:
        row = await self._rows.get(id_)
        if row is None:
            raise NotFound(f"no message {id_} was set aside here")
        return row


def message_of(row: Document) -> Message | None:
    """Returns the message of a row of the outbox, or None when today's contracts refuse it."""
    model = _MODELS.get(row["topic"])
    try:
        return model.model_validate_json(bytes(row["body"])) if model else None
    except ValidationError:
        return None
