"""The last seen state of everything that was observed, and publishing of only what differs from it.

A batch is marked dirty before its rows are written and its observations published, and the mark removed
after: killed in between, what it names is published again whatever it says. Rows move only forward by
`revision`, which is taken before the read that it stamps.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from typing import Protocol, TypeVar

from shared import crashing
from shared.attempts import attempt
from shared.contracts import MESSAGES, Message, Observation
from shared.contracts.base import key_of
from shared.mongo import Document, Mongo, Session
from shared.syncing.marks import Mark, Marks
from shared.syncing.models import Run
from shared.syncing.revisions import Revisions

COLLECTION = "observations"
"""By topic and message key, which is where rows are looked for: an index would cost every write more than it
saves the few reads."""

O = TypeVar("O", bound=Observation)  # noqa: E741  one letter, as type variables have

_AT_ONCE = 500
_ARRIVAL = ("topic", "revision", "arrived")
_STAMPS = {"run_id", "revision", "observed_at", "generation"}
_MODELS = {model.topic: model for model in MESSAGES if issubclass(model, Observation)}


class Publishing(Protocol):
    """Sends messages, or raises; `deadline` is a moment of the loop's clock."""

    async def publish(
        self, messages: Iterable[Message], *, correlation_id: str | None = None, deadline: float | None = None
    ) -> None: ...


class Fence(Protocol):
    """The part of a lease that publishing needs."""

    @property
    def loop_deadline(self) -> float: ...

    def check(self) -> None: ...


class Observer:
    """Publishes what was read of one integration, under one lease: a run's, or a write's."""

    def __init__(
        self, mongo: Mongo, publisher: Publishing, *, tenant_id: str, integration_id: str, lease: Fence
    ) -> None:
        self._mongo, self._rows = mongo, mongo.documents(COLLECTION, tenant_id)
        self._marks = Marks(mongo, tenant_id, integration_id)
        self._publisher, self._lease, self._revisions = publisher, lease, Revisions(mongo)
        self._tenant_id, self._integration_id = tenant_id, integration_id

    async def revision(self) -> int:
        """Take one *before* each read; one read (a page, a batch) may stamp many things with it."""
        return await self._revisions.next(self._tenant_id, self._integration_id)

    async def publish(self, observations: Iterable[O], *, always: bool = False) -> list[O]:
        """Publish those that differ from what was last published, or are dirty; returns them.

        News that is older than what is known is dropped. `always` is for a reading that proves something
        (the read-back of a write): it is said even when it says the same. What is not known to have arrived
        stays dirty. Raises `LeaseLost` past the deadline, `TransientError` when Kafka does not answer.
        """
        published: list[O] = []
        for batch in _batches(observations):
            published += await self._publish(batch, always=always)
        return published

    async def known(self, model: type[O], things: Iterable[O]) -> dict[str, O]:
        """What was last seen of these things (only their keys matter), by message key."""
        rows = await self._rows.get_many([_id(thing) for thing in things])
        return {seen.key: seen for seen in (model.model_validate(row["body"]) for row in rows.values())}

    async def seen(self, model: type[O]) -> AsyncIterator[O]:
        """Everything of one kind that was ever observed here, as last seen; also what is gone."""
        here = _of_integration(model.topic, self._tenant_id, self._integration_id)
        async for row in self._rows.stream(here, fields=["body"]):
            yield model.model_validate(row["body"])

    async def republish_dirty(self) -> int:
        """Publish again what an interrupted publishing left behind; returns how many.

        The stored body goes out as it is, with its own revision: it is the newest that is known of its key,
        and must not outrank a newer reading.
        """
        count = 0
        for mark in await self._marks.all():
            rows = await self._rows.get_many(mark.revisions)
            await self._send(mark, [_stored(row) for row in rows.values()])
            # Else its writer is alive and about to write them, or a newer reading will be.
            if mark.landed(rows):
                await self._marks.remove(mark)
            count += len(rows)
        return count

    async def _publish(self, batch: Sequence[O], *, always: bool) -> list[O]:
        """Those of a batch that are due, and are not overtaken while they are written."""
        newest = _newest(batch)
        rows = await self._rows.get_many(newest)
        dirty = await self._marks.dirty(rows)
        due = {
            id_: thing
            for id_, thing in newest.items()
            if _is_due(rows.get(id_), thing, always=always, dirty=id_ in dirty)
        }
        if not due:
            return []
        # Before the mark: a worker whose time is over must not make its successor's rows dirty.
        self._lease.check()
        mark = Mark.of({id_: thing.revision for id_, thing in due.items()})
        await self._marks.keep(mark)
        standing = await self._written(due, rows, dirty)
        await self._send(mark, standing)
        await self._marks.remove(mark)
        return standing

    async def _written(
        self, due: Mapping[str, O], rows: Mapping[str, Document], dirty: Collection[str]
    ) -> list[O]:
        """Store them; whoever is overtaken meanwhile drops out."""
        news = [_row(thing, _arrived(rows.get(id_), dirty=id_ in dirty)) for id_, thing in due.items()]
        known: Mapping[str, Document] | None = rows

        async def work(session: Session) -> list[Document]:
            nonlocal known
            known, given = None, known
            return await self._rows.forward(news, known=given, session=session)

        # One commit for all: the embedded document store flushes every change that stands alone.
        written = await self._mongo.transaction(work)
        stands = {row["_id"] for row in written}
        stands |= {id_ for id_, row in rows.items() if id_ in due and row["revision"] == due[id_].revision}
        return [thing for id_, thing in due.items() if id_ in stands]

    async def _send(self, mark: Mark, observations: Sequence[Observation]) -> None:
        """Publish what the mark names; a writer that overtook us on a key gets the last word on it again."""
        while observations:
            # Right before, and as a deadline of the sending itself: a pause may fall in between.
            self._lease.check()
            failure = await attempt(
                self._publisher.publish(
                    observations, correlation_id=observations[0].run_id, deadline=self._lease.loop_deadline
                )
            )
            overtaken = await self._overtaken({_id(thing): thing.revision for thing in observations})
            if overtaken:
                # Again, for a successor may have removed it: ours may arrive late, acknowledged or not.
                await self._marks.keep(mark)
            if failure is not None:
                raise failure
            crashing.reached("observation-published", observations[0].topic)
            observations = overtaken

    async def _overtaken(self, sent: Mapping[str, int]) -> list[Observation]:
        """Our record may lie behind a newer one of its key in the topic: compaction would keep ours."""
        rows = await self._rows.get_many(sent, fields=["revision"])
        newer = [id_ for id_, row in rows.items() if row["revision"] > sent[id_]]
        return [_stored(row) for row in (await self._rows.get_many(newer)).values()]


async def published_since(mongo: Mongo, run: Run, topics: Iterable[str]) -> dict[str, int]:
    """Distinct keys by topic that a reader holds with a revision of this run or later, writes included.

    That is exactly what billing counts, so a run that was continued by another worker says the right number.
    """
    rows, since = mongo.documents(COLLECTION, run.tenant_id), run.first_revision
    marks = Marks(mongo, run.tenant_id, run.integration_id)
    named = await rows.get_many(await marks.ids(), fields=_ARRIVAL)
    dirty = [named[id_] for id_ in await marks.dirty(named)]
    unsent = Counter(row["topic"] for row in dirty if row["arrived"] < since <= row["revision"])
    counts = {}
    for topic in topics:
        here = _of_integration(topic, run.tenant_id, run.integration_id)
        counts[topic] = await rows.count(here | {"revision": {"$gte": since}}) - unsent[topic]
    return counts


def digest(observation: Observation) -> str:
    """Of what it says, without when and by whom it was said."""
    # A generation alone says nothing new of the thing: keys may rotate without a flood of repeats.
    return sha256(observation.model_dump_json(exclude=_STAMPS).encode()).hexdigest()


def _id(observation: Observation) -> str:
    """Things of two topics may share a message key."""
    return f"{observation.topic}#{observation.key}"


def _of_integration(topic: str, tenant_id: str, integration_id: str) -> Document:
    """The rows of one topic, by the beginning of their ids."""
    first = f"{topic}#{key_of(tenant_id, integration_id)}:"
    return {"_id": {"$gte": first, "$lt": first + "\uffff"}}


def _newest(observations: Iterable[O]) -> dict[str, O]:
    newest: dict[str, O] = {}
    for thing in observations:
        known = newest.get(_id(thing))
        if known is None or known.revision < thing.revision:
            newest[_id(thing)] = thing
    return newest


def _is_due(row: Document | None, thing: Observation, *, always: bool, dirty: bool) -> bool:
    if row is None:
        return True
    # Whether a dirty row's record arrived is not known, so it goes out again whatever it says.
    if dirty:
        return bool(row["revision"] <= thing.revision)
    return bool(row["revision"] < thing.revision and (always or row["digest"] != digest(thing)))


def _arrived(before: Document | None, *, dirty: bool) -> int:
    """The revision that readers surely held before, -1 for none; it counts while the row is dirty."""
    if before is None:
        return -1
    return int(before["arrived"] if dirty else before["revision"])


def _row(thing: Observation, arrived: int) -> Document:
    return {
        "_id": _id(thing),
        "topic": thing.topic,
        "integration_id": thing.integration_id,
        "run_id": thing.run_id,
        "revision": thing.revision,
        "arrived": arrived,
        "digest": digest(thing),
        "body": thing.model_dump(mode="json"),
    }


def _stored(row: Document) -> Observation:
    return _MODELS[row["topic"]].model_validate(row["body"])


def _batches(things: Iterable[O]) -> Iterable[list[O]]:
    rest = iter(things)
    while batch := list(islice(rest, _AT_ONCE)):
        yield batch
