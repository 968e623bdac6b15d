"""The last seen state of everything that was observed, and publishing of only what differs from it.

The rows of a batch are stored together with a mark that they are dirty, then published, then the mark is
removed: killed in between, what it names is published again whatever it says. Rows move only forward by
`revision`, which is taken before the read that it stamps.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Protocol

import structlog

from shared.contracts import Message, Observation
from shared.errors import PermanentError
from shared.mongo import Document, Mongo, Session
from shared.runtime import crash_points
from shared.runtime.attempt import attempt
from shared.sync_engine.dirty_batches import DirtyBatch, DirtyBatches
from shared.sync_engine.observation_rows import (
    COLLECTION,
    O,
    arrived,
    id_of,
    is_due,
    newest_of,
    of_integration,
    row_of,
    stored,
)
from shared.sync_engine.revisions import RevisionCounter

log = structlog.get_logger()

_AT_ONCE = 500


class MessagePublisher(Protocol):
    """Sends messages, or raises; `deadline` is a moment of the loop's clock."""

    async def publish(
        self, messages: Iterable[Message], *, correlation_id: str | None = None, deadline: float | None = None
    ) -> None: ...


class LeaseFence(Protocol):
    """The part of a lease that publishing needs."""

    @property
    def loop_deadline(self) -> float: ...

    def check(self) -> None: ...


class ChangePublisher:
    """Publishes what was read of one integration, under one lease: a run's, or a write's."""

    def __init__(
        self,
        mongo: Mongo,
        publisher: MessagePublisher,
        *,
        tenant_id: str,
        integration_id: str,
        lease: LeaseFence,
    ) -> None:
        self._mongo, self._rows = mongo, mongo.documents(COLLECTION, tenant_id)
        self._marks = DirtyBatches(mongo, tenant_id, integration_id)
        self._publisher, self._lease, self._revisions = publisher, lease, RevisionCounter(mongo)
        self._tenant_id, self._integration_id = tenant_id, integration_id
        self.refused: dict[str, str] = {}
        """Why something cannot be published at all, by what it is; it stays dirty."""

    async def revision(self) -> int:
        """Take one *before* each read; one read (a page, a batch) may stamp many things with it."""
        return await self._revisions.next(self._tenant_id, self._integration_id)

    async def publish(self, observations: Iterable[O], *, always: bool = False) -> list[O]:
        """Publish those that differ from what was last published, or are dirty; returns them.

        News that is older than what is known is dropped. `always` is for a reading that proves something
        (the read-back of a write): it is said even when it says the same. What is not known to have arrived
        stays dirty. Raises `LeaseLost` past the deadline, `TransientError` when Kafka does not answer; what
        Kafka will never take is told in `refused`, and holds up nothing else.
        """
        published: list[O] = []
        for batch in _batches(observations):
            published += await self._publish(batch, always=always)
        return published

    async def known(self, model: type[O], things: Iterable[O]) -> dict[str, O]:
        """What was last seen of these things (only their keys matter), by message key."""
        rows = await self._rows.get_many([id_of(thing) for thing in things])
        return {seen.key: seen for seen in (model.model_validate(row["body"]) for row in rows.values())}

    async def seen(self, model: type[O]) -> AsyncIterator[O]:
        """Everything of one kind that was ever observed here, as last seen; also what is gone."""
        here = of_integration(model.topic, self._tenant_id, self._integration_id)
        async for row in self._rows.stream(here, fields=["body"]):
            yield model.model_validate(row["body"])

    async def republish_dirty(self) -> int:
        """Publish again what an interrupted publishing left behind; returns how many.

        The stored body goes out as it is, with its own revision: it is the newest that is known of its key,
        and must not outrank a newer reading.
        """
        count = 0
        for mark in await self._marks.all():
            rows = await self._rows.get_many(mark.ids)
            await self._send(mark, self._readable(rows))
            count += len(rows)
        return count

    async def _publish(self, batch: Sequence[O], *, always: bool) -> list[O]:
        """Those of a batch that are due, and are not overtaken while they are stored."""
        newest = newest_of(batch)
        rows = await self._rows.get_many(newest)
        dirty = await self._marks.dirty()
        due = {
            id_: thing
            for id_, thing in newest.items()
            if is_due(rows.get(id_), thing, always=always, dirty=id_ in dirty)
        }
        if not due:
            return []
        # Before the mark: a worker whose time is over must not make its successor's rows dirty.
        self._lease.check()
        mark = DirtyBatch.of(due)
        standing = await self._store(mark, due, rows, dirty)
        await self._send(mark, standing)
        return [thing for thing in standing if id_of(thing) not in self.refused]

    async def _store(
        self, mark: DirtyBatch, due: Mapping[str, O], rows: Mapping[str, Document], dirty: Collection[str]
    ) -> list[O]:
        """With their mark, or not at all; whoever is overtaken meanwhile drops out."""
        news = [row_of(thing, arrived(rows.get(id_), dirty=id_ in dirty)) for id_, thing in due.items()]
        known: Mapping[str, Document] | None = rows

        async def work(session: Session) -> list[Document]:
            nonlocal known
            known, given = None, known
            await self._marks.keep(mark, session=session)
            return await self._rows.upsert_newer(news, existing=given, session=session)

        stands = {row["_id"] for row in await self._mongo.transaction(work)}
        stands |= {id_ for id_, row in rows.items() if id_ in due and row["revision"] == due[id_].revision}
        return [thing for id_, thing in due.items() if id_ in stands]

    async def _send(self, mark: DirtyBatch, observations: Sequence[Observation]) -> None:
        """Publish what the mark names; a writer that overtook us on a key gets the last word on it again."""
        while observations:
            failure = await attempt(self._hand_over(observations))
            overtaken = await self._overtaken({id_of(thing): thing.revision for thing in observations})
            if overtaken:
                # Again, for a successor may have removed it: ours may arrive late, acknowledged or not.
                await self._marks.keep(mark)
            if failure is not None:
                raise failure
            crash_points.reached("observation-published", observations[0].topic)
            observations = overtaken
        if left := self.refused.keys() & {*mark.ids}:
            await self._marks.keep(DirtyBatch(tuple(left), mark.id))
        else:
            await self._marks.remove(mark)

    async def _hand_over(self, observations: Sequence[Observation]) -> None:
        """Halved until what Kafka will never take stands alone."""
        # Right before, and as a deadline of the sending itself: a pause may fall in between.
        self._lease.check()
        failure = await attempt(
            self._publisher.publish(
                observations, correlation_id=observations[0].run_id, deadline=self._lease.loop_deadline
            )
        )
        if isinstance(failure, PermanentError) and len(observations) > 1:
            middle = len(observations) // 2
            await self._hand_over(observations[:middle])
            await self._hand_over(observations[middle:])
        elif isinstance(failure, PermanentError):
            self._refuse(id_of(observations[0]), failure)
        elif failure is not None:
            raise failure

    def _readable(self, rows: Mapping[str, Document]) -> list[Observation]:
        """What an older release stored may be beyond this one; a new reading replaces it."""
        found = []
        for id_, row in rows.items():
            try:
                found.append(stored(row))
            except ValueError as error:
                self._refuse(id_, error)
        return found

    def _refuse(self, id_: str, error: Exception) -> None:
        log.error("observation_refused", observation=id_, error=str(error))
        self.refused[id_] = str(error)

    async def _overtaken(self, sent: Mapping[str, int]) -> list[Observation]:
        """Our record may lie behind a newer one of its key in the topic: compaction would keep ours."""
        rows = await self._rows.get_many(sent, fields=["revision"])
        newer = [id_ for id_, row in rows.items() if row["revision"] > sent[id_]]
        return self._readable(await self._rows.get_many(newer))


def _batches(things: Iterable[O]) -> Iterable[list[O]]:
    rest = iter(things)
    while batch := list(islice(rest, _AT_ONCE)):
        yield batch
