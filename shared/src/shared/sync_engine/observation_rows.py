"""The row of an observation: what was last seen of a thing, and the revision that readers hold for sure."""

from collections.abc import Iterable
from hashlib import sha256
from typing import TypeVar

from shared.contracts import MESSAGES, Observation
from shared.contracts.base import key_of
from shared.mongo import Document

COLLECTION = "observations"
"""By topic and message key, which is where rows are looked for: an index would cost every write more than it
saves the few reads."""

O = TypeVar("O", bound=Observation)  # noqa: E741  one letter, as type variables have

_STAMPS = {"run_id", "revision", "observed_at", "generation"}
_MODELS = {model.topic: model for model in MESSAGES if issubclass(model, Observation)}


def id_of(observation: Observation) -> str:
    """Things of two topics may share a message key."""
    return f"{observation.topic}#{observation.key}"


def of_integration(topic: str, tenant_id: str, integration_id: str) -> Document:
    """Finds the rows of one topic, by the beginning of their ids."""
    first = f"{topic}#{key_of(tenant_id, integration_id)}:"
    return {"_id": {"$gte": first, "$lt": first + "\uffff"}}


def digest(observation: Observation) -> str:
    """Of what it says, without when and by whom it was said."""
    # A generation alone says nothing new of the thing: keys may rotate without a flood of repeats.
    return sha256(observation.model_dump_json(exclude=_STAMPS).encode()).hexdigest()


def newest_of(observations: Iterable[O]) -> dict[str, O]:
    """By id, one of each."""
    newest: dict[str, O] = {}
    for thing in observations:
        known = newest.get(id_of(thing))
        if known is None or known.revision < thing.revision:
            newest[id_of(thing)] = thing
    return newest


def is_due(row: Document | None, thing: Observation, *, always: bool, dirty: bool) -> bool:
    """Whether it is to be published, this row being what was last seen."""
    if row is None:
        return True
    # Whether a dirty row's record arrived is not known, so it goes out again whatever it says.
    if dirty:
        return bool(row["revision"] <= thing.revision)
    return bool(row["revision"] < thing.revision and (always or row["digest"] != digest(thing)))


def arrived(before: Document | None, *, dirty: bool) -> int:
    """The revision that readers surely held before, -1 for none; it counts while the row is dirty."""
    if before is None:
        return -1
    return int(before["arrived"] if dirty else before["revision"])


def row_of(thing: Observation, arrived: int) -> Document:
    return {
        "_id": id_of(thing),
        "topic": thing.topic,
        "integration_id": thing.integration_id,
        "run_id": thing.run_id,
        "revision": thing.revision,
        "arrived": arrived,
        "digest": digest(thing),
        "body": thing.model_dump(mode="json"),
    }


def stored(row: Document) -> Observation:
    """Raises `ValidationError` when an older release stored what this one cannot read."""
    return _MODELS[row["topic"]].model_validate(row["body"])
