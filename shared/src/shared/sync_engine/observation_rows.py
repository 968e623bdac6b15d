"""The row of an observation: what was last seen of a thing, and the revision that states it."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeVar

from shared.contracts import MESSAGES, Observation
from shared.contracts.base import key_of
from shared.contracts.topic_checksum import ChecksumSum, TopicChecksum
from shared.mongo import Document, Mongo

COLLECTION = "observations"
"""By topic and message key, which is where rows are looked for: an index would cost every write more than it
saves the few reads."""

O = TypeVar("O", bound=Observation)  # noqa: E741  one letter, as type variables have

_STAMP_FIELDS: Final = {"run_id", "revision", "observed_at", "generation", "read_back"}
_MODELS = {model.topic: model for model in MESSAGES if issubclass(model, Observation)}


@dataclass(frozen=True, slots=True)
class Statement:
    """How a thing is stated after a reading of it."""

    revision: int
    """Of the observation that states it now."""
    digest: str
    """A hash of what that observation says."""


def id_of(observation: Observation) -> str:
    """Returns the id of the observation's row: things of two topics may share a message key."""
    return f"{observation.topic}#{observation.key}"


def of_integration(topic: str, tenant_id: str, integration_id: str) -> Document:
    """Returns the filter for the rows of one topic and integration, by the beginning of their ids."""
    prefix = f"{topic}#{key_of(tenant_id, integration_id)}:"
    return {"_id": {"$gte": prefix, "$lt": prefix + "\uffff"}}


def digest(observation: Observation) -> str:
    """Returns a hash of what the observation says, without when and by what it was read."""
    # A generation alone says nothing new of the thing: keys may rotate without a flood of repeats. Nor does
    # evidence that is not there: a thing of which the provider tells none is not published for an update.
    silent = _STAMP_FIELDS
    if observation.evidence_fields:
        silent = silent | {name for name in observation.evidence_fields if not getattr(observation, name)}
    return sha256(observation.model_dump_json(exclude=silent).encode()).hexdigest()


def newest_of(observations: Iterable[O]) -> dict[str, O]:
    """Returns the newest observation of each thing, by the id of its row."""
    newest: dict[str, O] = {}
    for observation in observations:
        id_ = id_of(observation)
        if id_ not in newest or newest[id_].revision < observation.revision:
            newest[id_] = observation
    return newest


def is_due(row: Document | None, observation: Observation, *, always: bool, dirty: bool) -> bool:
    """Tells whether the observation is to be published, given the row that is stored of its thing."""
    if row is None:
        return True
    # Whether a dirty row's record arrived is not known, so it goes out again whatever it says.
    if dirty:
        return bool(row["revision"] <= observation.revision)
    return bool(row["revision"] < observation.revision and (always or row["digest"] != digest(observation)))


def row_of(observation: Observation) -> Document:
    return {
        "_id": id_of(observation),
        "topic": observation.topic,
        "integration_id": observation.integration_id,
        "run_id": observation.run_id,
        "revision": observation.revision,
        "digest": digest(observation),
        "body": observation.model_dump(mode="json"),
    }


async def stated_checksum(mongo: Mongo, topic: str, tenant_id: str, integration_id: str) -> TopicChecksum:
    """Returns the checksum of what is stated of an integration in one topic.

    Whoever asks has published all that is dirty: what is stated here has arrived then.
    """
    rows = mongo.documents(COLLECTION, tenant_id)
    checksum = ChecksumSum(topic)
    async for row in rows.stream(of_integration(topic, tenant_id, integration_id), fields=["revision"]):
        checksum.add(row["_id"].removeprefix(f"{topic}#"), row["revision"])
    return checksum.result


def observation_of(row: Document) -> Observation:
    """Raises `ValidationError` when an older release stored what this one cannot read."""
    return _MODELS[row["topic"]].model_validate(row["body"])
