"""Publishes what was read, but only where it differs from what was last published."""

# Invariant: every key ends in its compacted topic with the newest revision that is stored for it here.
#
# A batch is stored together with a work item that names its keys as *dirty*, then published, then the item is
# removed: a crash in between leaves the item, and what it names is published again, whatever it says.
#
#   store rows {a r7, b r7} + dirty {a, b} │ publish a, b │ complete the item
#                                          └ killed here → republish_dirty publishes a r7, b r7 again
#
# Rows move only forward by revision, which is taken before the read that it stamps. A writer that finds its
# key overtaken after publishing publishes the newer row again: its own late record may lie behind it in the
# topic, and compaction would keep the last.

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Protocol, TypeVar

import structlog

from shared.contracts import Message, Observation
from shared.contracts.manifest import AccountRead
from shared.errors import PermanentError
from shared.mongo import Document, Mongo, Session
from shared.runtime import crash_points
from shared.runtime.attempt import attempt
from shared.sync_engine.observation_rows import (
    COLLECTION,
    Statement,
    id_of,
    is_due,
    newest_of,
    observation_of,
    of_integration,
    row_of,
)
from shared.sync_engine.revisions import RevisionCounter
from shared.work_queue import WorkItem, WorkQueue

log = structlog.get_logger()

O = TypeVar("O", bound=Observation)  # noqa: E741  one letter, as type variables have

_BATCH_SIZE = 500


class MessagePublisher(Protocol):
    """Sends messages, or raises; `deadline` is a moment of `monotonic_seconds`."""

    async def publish(
        self, messages: Iterable[Message], *, correlation_id: str | None = None, deadline: float | None = None
    ) -> None: ...


class LeaseFence(Protocol):
    """The part of a lease that publishing needs."""

    @property
    def monotonic_deadline(self) -> float: ...

    def check(self) -> None: ...


def dirty_queue(mongo: Mongo) -> WorkQueue:
    """The queue of rows that were stored and may not have arrived, by id; its lanes are integrations."""
    return WorkQueue(mongo, keys_per_item=_BATCH_SIZE)


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
        always: bool = False,
    ) -> None:
        """`always` publishes also what says the same as before: some reader has lost it."""
        self._mongo, self._rows = mongo, mongo.documents(COLLECTION, tenant_id)
        self._dirty = dirty_queue(mongo)
        self._publisher, self._lease, self._revisions = publisher, lease, RevisionCounter(mongo)
        self._tenant_id, self._integration_id, self._always = tenant_id, integration_id, always
        self.refused: dict[str, str] = {}
        """Why something cannot be published at all, by the id of its row; it stays dirty."""

    async def next_revision(self) -> int:
        """Takes a revision, *before* each read; one read (a page, a batch) may stamp many things with it."""
        return await self._revisions.next(self._tenant_id, self._integration_id)

    async def publish(self, observations: Iterable[O], *, always: bool = False) -> list[O]:
        """Publishes those that differ from what was last published, or are dirty; returns them.

        An observation that is older than what is stored is dropped. `always` is for a reading that proves
        something (the read-back of a write): it is published even when it says the same. Raises `LeaseLost`
        past the deadline and `TransientError` when Kafka does not answer: what is not known to have arrived
        stays dirty. What Kafka will never take is named in `refused`, and holds up nothing else.
        """
        published: list[O] = []
        rest = iter(observations)
        while batch := list(islice(rest, _BATCH_SIZE)):
            published += await self._publish_batch(batch, always=always or self._always)
        return published

    async def state(self, observations: Sequence[Observation]) -> dict[str, Statement]:
        """Publishes like `publish`; returns by message key how each thing is stated now.

        What Kafka will never take is left out (see `refused`), and stated as before.
        """
        await self.publish(observations)
        ids = {id_of(thing): thing.key for thing in observations}
        rows = await self._rows.get_many(ids, fields=["revision", "digest"])
        return {
            ids[id_]: Statement(row["revision"], row["digest"])
            for id_, row in rows.items()
            if id_ not in self.refused
        }

    async def publish_manifests(self, messages: Sequence[AccountRead]) -> None:
        """Publishes manifests; raises `LeaseLost` past the deadline, and what the publisher raises."""
        self._lease.check()
        await self._publisher.publish(
            messages, correlation_id=messages[0].run_id, deadline=self._lease.monotonic_deadline
        )
        crash_points.reached("manifest-published")

    async def existing(self, model: type[O], things: Iterable[O]) -> dict[str, O]:
        """Returns what was last seen of these things (only their keys matter), by message key."""
        rows = await self._rows.get_many([id_of(thing) for thing in things])
        observations = (model.model_validate(row["body"]) for row in rows.values())
        return {observation.key: observation for observation in observations}

    async def last_seen(self, model: type[O]) -> AsyncIterator[O]:
        """Yields everything of one kind that was ever observed here, as last seen; also what is absent."""
        of_kind = of_integration(model.topic, self._tenant_id, self._integration_id)
        async for row in self._rows.stream(of_kind, fields=["body"]):
            yield model.model_validate(row["body"])

    async def republish_dirty(self) -> int:
        """Publishes again what an interrupted publishing left dirty; returns how many rows.

        The stored body goes out as it is, with its own revision: it is the newest that is stored of its key,
        and must not outrank a newer reading.
        """
        count = 0
        for item in await self._dirty.lane(self._tenant_id, self._integration_id):
            rows = await self._rows.get_many(item.keys)
            await self._send(item, self._readable(rows))
            count += len(rows)
        return count

    async def _publish_batch(self, batch: Sequence[O], *, always: bool) -> list[O]:
        newest = newest_of(batch)
        rows = await self._rows.get_many(newest)
        # Rows first: what another writer is just publishing was named dirty together with its row.
        items = await self._dirty.lane(self._tenant_id, self._integration_id)
        dirty = {id_ for item in items for id_ in item.keys}
        due = {
            id_: thing
            for id_, thing in newest.items()
            if is_due(rows.get(id_), thing, always=always, dirty=id_ in dirty)
        }
        if not due:
            return []
        # Before storing: a worker whose time is over must not make its successor's rows dirty.
        self._lease.check()
        item, not_overtaken = await self._store(due, rows)
        await self._send(item, not_overtaken)
        return [thing for thing in not_overtaken if id_of(thing) not in self.refused]

    async def _store(self, due: Mapping[str, O], rows: Mapping[str, Document]) -> tuple[WorkItem, list[O]]:
        """Stores rows and dirty item together; returns the item, and what was not overtaken meanwhile."""
        new_rows = [row_of(thing) for thing in due.values()]
        first_try = True

        async def work(session: Session) -> tuple[WorkItem, list[Document]]:
            nonlocal first_try
            # A later try follows a conflict: by then the rows may differ from what was read before.
            existing, first_try = rows if first_try else None, False
            (item,) = await self._dirty.enqueue(
                self._tenant_id, self._integration_id, [*due], session=session
            )
            return item, await self._rows.upsert_newer(new_rows, existing=existing, session=session)

        item, written = await self._mongo.transaction(work)
        not_overtaken = {row["_id"] for row in written}
        not_overtaken |= {
            id_ for id_, row in rows.items() if id_ in due and row["revision"] == due[id_].revision
        }
        return item, [thing for id_, thing in due.items() if id_ in not_overtaken]

    async def _send(self, item: WorkItem, observations: Sequence[Observation]) -> None:
        """Publishes what the item names; where a newer row overtook it, that row is published again."""
        while observations:
            failure = await attempt(self._hand_over(observations))
            overtaken = await self._overtaken({id_of(thing): thing.revision for thing in observations})
            if overtaken:
                # Back in the queue, for a successor may have completed it: our record may arrive late,
                # acknowledged or not.
                await self._dirty.restore(item)
            if failure is not None:
                raise failure
            crash_points.reached("observation-published", observations[0].topic)
            observations = overtaken
        if left := self.refused.keys() & {*item.keys}:
            await self._dirty.restore(replace(item, keys=tuple(left)))
        else:
            await self._dirty.complete(self._tenant_id, [item.id])

    async def _hand_over(self, observations: Sequence[Observation]) -> None:
        """Publishes a batch; what Kafka will never take is found by halving, and refused by itself."""
        # Right before, and as a deadline of the sending itself: a pause may fall in between.
        self._lease.check()
        try:
            await self._publisher.publish(
                observations, correlation_id=observations[0].run_id, deadline=self._lease.monotonic_deadline
            )
        except PermanentError as error:
            if len(observations) == 1:
                self._refuse(id_of(observations[0]), error)
                return
            middle = len(observations) // 2
            await self._hand_over(observations[:middle])
            await self._hand_over(observations[middle:])

    def _readable(self, rows: Mapping[str, Document]) -> list[Observation]:
        """Returns what can be parsed; what an older release stored in another shape is refused."""
        readable = []
        for id_, row in rows.items():
            try:
                readable.append(observation_of(row))
            except ValueError as error:
                self._refuse(id_, error)
        return readable

    def _refuse(self, id_: str, error: Exception) -> None:
        log.error("observation_refused", observation=id_, error=str(error))
        self.refused[id_] = str(error)

    async def _overtaken(self, sent: Mapping[str, int]) -> list[Observation]:
        """Returns the rows that carry a larger revision than what was sent of them."""
        rows = await self._rows.get_many(sent, fields=["revision"])
        newer = [id_ for id_, row in rows.items() if row["revision"] > sent[id_]]
        return self._readable(await self._rows.get_many(newer))
