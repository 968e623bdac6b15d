"""The last seen state of everything that was observed, and publishing of only what differs from it.

A row is marked dirty before its observation is published and clean after: killed in between, it is published
again whatever it says. Rows move only forward by `revision`, which is taken before the read that it stamps.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from typing import Protocol, TypeVar

from shared import crashing
from shared.attempts import attempt
from shared.contracts import MESSAGES, Message, Observation
from shared.mongo import Document, Documents, Index, Mongo, Replace, Update
from shared.syncing.models import Run
from shared.syncing.revisions import Revisions

COLLECTION = "observations"
OBSERVATION_INDEXES = (
    Index(COLLECTION, [("integration_id", 1), ("topic", 1), ("_id", 1)]),
    Index(COLLECTION, [("integration_id", 1), ("topic", 1), ("published_revision", 1)]),
    Index(COLLECTION, [("integration_id", 1)], where={"dirty": True}),
)

O = TypeVar("O", bound=Observation)  # noqa: E741  one letter, as type variables have

_AT_ONCE = 500
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
        self._rows = mongo.documents(COLLECTION, tenant_id)
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
            due = await self._due(batch, always=always)
            await self._send(due)
            published += due
        return published

    async def known(self, model: type[O], things: Iterable[O]) -> dict[str, O]:
        """What was last seen of these things (only their keys matter), by message key."""
        rows = await self._rows.get_many([_id(thing) for thing in things])
        return {seen.key: seen for seen in (model.model_validate(row["body"]) for row in rows.values())}

    async def seen(self, model: type[O]) -> AsyncIterator[O]:
        """Everything of one kind that was ever observed here, as last seen; also what is gone."""
        async for row in self._rows.stream(self._ours() | {"topic": model.topic}, fields=["body"]):
            yield model.model_validate(row["body"])

    async def republish_dirty(self) -> int:
        """Publish again what an interrupted publishing left behind; returns how many.

        The stored body goes out as it is, with its own revision: it is the newest that is known of its key,
        and must not outrank a newer reading.
        """
        count = 0
        while rows := await self._rows.find(self._ours() | {"dirty": True}, limit=_AT_ONCE):
            await self._send([_stored(row) for row in rows])
            count += len(rows)
        return count

    async def _due(self, observations: Sequence[O], *, always: bool) -> list[O]:
        """Mark what must be published as dirty; whoever is overtaken meanwhile drops out."""
        newest = _newest(observations)
        rows = await self._rows.get_many(newest)
        due = {id_: thing for id_, thing in newest.items() if _is_due(rows.get(id_), thing, always=always)}
        # Before the mark: a worker whose time is over must not make its successor's rows dirty.
        self._lease.check()
        marked = await self._rows.forward(_dirty(thing, rows.get(id_)) for id_, thing in due.items())
        written = {row["_id"] for row in marked}
        return [
            thing
            for id_, thing in due.items()
            if id_ in written or _is_dirty_at(rows.get(id_), thing.revision)
        ]

    async def _send(self, observations: Sequence[Observation]) -> None:
        """Publish, then mark clean; a writer that overtook us on a key gets the last word on it again."""
        while observations:
            # Right before, and as a deadline of the sending itself: a pause may fall in between.
            self._lease.check()
            failure = await attempt(
                self._publisher.publish(
                    observations, correlation_id=observations[0].run_id, deadline=self._lease.loop_deadline
                )
            )
            overtaken = await self._overtaken({_id(thing): thing.revision for thing in observations})
            if failure is not None:
                raise failure
            crashing.reached("observation-published", observations[0].topic)
            await self._rows.bulk([_clean(thing) for thing in observations])
            observations = overtaken

    async def _overtaken(self, sent: Mapping[str, int]) -> list[Observation]:
        """Our record may lie behind a newer one of its key in the topic: compaction would keep ours.

        The newer are made dirty again, also when ours was not acknowledged: it may arrive late all the same.
        """
        rows = await self._rows.get_many(sent, fields=["revision"])
        newer = [id_ for id_, row in rows.items() if row["revision"] > sent[id_]]
        await self._rows.bulk([Update({"_id": id_}, {"$set": {"dirty": True}}) for id_ in newer])
        return [_stored(row) for row in (await self._rows.get_many(newer)).values()]

    def _ours(self) -> Document:
        return {"integration_id": self._integration_id}


async def published_since(
    documents: Callable[[str, str], Documents], run: Run, topics: Iterable[str]
) -> dict[str, int]:
    """Distinct keys by topic that a reader holds with a revision of this run or later, writes included.

    That is exactly what billing counts, so a run that was continued by another worker says the right number.
    """
    rows = documents(COLLECTION, run.tenant_id)
    since = {"integration_id": run.integration_id, "published_revision": {"$gte": run.first_revision}}
    return {topic: await rows.count(since | {"topic": topic}) for topic in topics}


def digest(observation: Observation) -> str:
    """Of what it says, without when and by whom it was said."""
    # A generation alone says nothing new of the thing: keys may rotate without a flood of repeats.
    return sha256(observation.model_dump_json(exclude=_STAMPS).encode()).hexdigest()


def _id(observation: Observation) -> str:
    """Things of two topics may share a message key."""
    return f"{observation.topic}#{observation.key}"


def _newest(observations: Iterable[O]) -> dict[str, O]:
    newest: dict[str, O] = {}
    for thing in observations:
        known = newest.get(_id(thing))
        if known is None or known.revision < thing.revision:
            newest[_id(thing)] = thing
    return newest


def _is_due(row: Document | None, thing: Observation, *, always: bool) -> bool:
    if row is None:
        return True
    # Whether a dirty row's record arrived is not known, so it goes out again whatever it says.
    if row["dirty"]:
        return bool(row["revision"] <= thing.revision)
    return bool(row["revision"] < thing.revision and (always or row["digest"] != digest(thing)))


def _is_dirty_at(row: Document | None, revision: int) -> bool:
    return row is not None and row["dirty"] and row["revision"] == revision


def _dirty(thing: Observation, before: Document | None) -> Document:
    """To be published; what was published before it is still counted."""
    return _row(thing, published_revision=before["published_revision"] if before else -1, dirty=True)


def _clean(thing: Observation) -> Replace:
    """Guarded: a newer reading may have made the row dirty again since."""
    guard = {"_id": _id(thing), "revision": thing.revision}
    # Whole rows: the embedded document store replaces ten of them in the time of one update.
    return Replace(guard, _row(thing, published_revision=thing.revision, dirty=False))


def _row(thing: Observation, *, published_revision: int, dirty: bool) -> Document:
    return {
        "_id": _id(thing),
        "topic": thing.topic,
        "integration_id": thing.integration_id,
        "run_id": thing.run_id,
        "revision": thing.revision,
        "published_revision": published_revision,
        "digest": digest(thing),
        "dirty": dirty,
        "body": thing.model_dump(mode="json"),
    }


def _stored(row: Document) -> Observation:
    return _MODELS[row["topic"]].model_validate(row["body"])


def _batches(things: Iterable[O]) -> Iterable[list[O]]:
    rest = iter(things)
    while batch := list(islice(rest, _AT_ONCE)):
        yield batch
