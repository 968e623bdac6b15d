"""Ends runs, each in one transaction with the messages that tell of it."""

# Invariant: a run that has ended has a run-finished for each of its sync ids in the outbox, or sent; one that
# has not ended has none.

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from shared.contracts.base import Message, Observation, Outcome, ProviderCredentialsRejected
from shared.contracts.fields import shortened_sentence
from shared.contracts.run_end import RunFinished
from shared.contracts.topic_checksum import TopicChecksum
from shared.mongo import Document, Mongo, Session
from shared.outbox import Outbox
from shared.runtime.clock import Clock, utc_now
from shared.sync_engine.models import Run, RunState
from shared.sync_engine.reports import RunEnding

log = structlog.get_logger()

COLLECTION = "runs"
_NEWS_DUE = timedelta(hours=1)
"""By then the news of an integration has come that a request for it had overtaken."""


@dataclass(frozen=True, slots=True)
class MessageTypes:
    """The message classes in which one service tells of its runs."""

    finished: type[RunFinished]
    rejected: type[ProviderCredentialsRejected]
    catalogue: tuple[type[Observation], ...]
    """Of accounts and catalogue items: the end of a complete run carries their checksums."""


_NAMED = 200
"""How many exceptions and unread accounts a run-finished names."""


class RunEndings:
    """Stores how runs of one sync service ended."""

    def __init__(
        self, mongo: Mongo, outbox: Outbox, message_types: MessageTypes, *, clock: Clock = utc_now
    ) -> None:
        self._mongo, self._outbox = mongo, outbox
        self._message_types, self._clock = message_types, clock

    async def end(
        self,
        tenant_id: str,
        filter_: Document,
        ending: RunEnding,
        *,
        manifests: int,
        checksums: Sequence[TopicChecksum] = (),
    ) -> Run | None:
        """Ends the run that matches, and returns it; None when none matches any more.

        `manifests` is how many it published, `checksums` are of what it leaves stated.
        """
        rows = self._mongo.documents(COLLECTION, tenant_id)
        changes = {
            "state": RunState(ending.outcome),
            "reason": ending.reason,
            "finished_at": self._clock(),
        }

        async def work(session: Session) -> Run | None:
            # Read with the change: a request that joined a moment ago is among the sync ids, or the
            # transaction of one that joins now is retried and finds the run over.
            row = await rows.take(filter_, {"$set": changes}, session=session)
            if row is None:
                return None
            run = Run.model_validate(row)
            messages = self._messages(run, ending, manifests, checksums)
            await self._outbox.add(messages, session=session, correlation_id=run.run_id)
            return run

        run = await self._mongo.transaction(work)
        self._outbox.wake()
        return run

    async def refuse_if_stale(self, row: Document) -> None:
        """Ends a queued request for an integration that no news has told of in an hour: none will come."""
        if self._clock() - row["queued_at"] < _NEWS_DUE:
            return
        reason = f"no integration {row['integration_id']} is known here: connect it, then sync again"
        queued = {"_id": row["_id"], "state": RunState.QUEUED}
        ending = RunEnding(Outcome.FAILED, reason)
        if await self.end(row["tenant_id"], queued, ending, manifests=0):
            log.warning("run_refused", run_id=row["_id"], reason=reason)

    async def end_undeliverable(self, message: Message, why: str) -> list[Message] | None:
        """Ends a run as failed whose run-finished Kafka will never take; returns a short one in its place."""
        if not isinstance(message, self._message_types.finished):
            return None
        reason = shortened_sentence(f"what it read could not be reported: {why}")
        rows = self._mongo.documents(COLLECTION, message.tenant_id)
        await rows.change({"_id": message.run_id}, {"$set": {"state": RunState.FAILED, "reason": reason}})
        nothing: dict[str, object] = {"counts": {}, "exceptions": (), "unread_accounts": (), "checksums": ()}
        return [message.model_copy(update={"outcome": Outcome.FAILED, "reason": reason} | nothing)]

    def _messages(
        self, run: Run, ending: RunEnding, manifests: int, checksums: Sequence[TopicChecksum]
    ) -> list[Message]:
        """One run-finished for each sync that the run answers, and the refusal of the credentials, if any."""
        report = run.model_dump(exclude={"sync_ids", "state"}) | {
            "outcome": ending.outcome,
            "manifests": manifests,
            "exceptions": _listed(ending.tally.exceptions),
            "unread_accounts": ending.tally.unread_accounts[:_NAMED],
            "counts": dict(ending.tally.counts),
            "checksums": tuple(checksums),
            "coverage": ending.tally.coverage,
            # A request that was refused never started.
            "started_at": run.started_at or run.finished_at,
        }
        messages: list[Message] = [
            self._message_types.finished.model_validate(report | {"sync_id": sync_id})
            for sync_id in run.sync_ids
        ]
        if ending.refused is not None:
            rejected = self._message_types.rejected(
                tenant_id=run.tenant_id,
                integration_id=run.integration_id,
                generation=run.generation,
                refused=ending.refused,
            )
            messages.append(rejected)
        return messages


def _listed(sentences: Sequence[str]) -> list[str]:
    """Returns the first sentences, and one that counts the others."""
    others = len(sentences) - _NAMED
    return [*sentences[:_NAMED], *([f"and {others} more"] if others > 0 else [])]
