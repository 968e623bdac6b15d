"""The forms that every message takes: events state what is, commands ask for what shall be."""

# Rules of change: a consumer of an old version must survive a new one. Adding an optional field keeps the
# topic's version; anything else is a new class with a new topic `.v2`, and both are published until the last
# consumer has moved. Messages ignore fields that they do not know.

import re
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, model_validator

from shared.contracts.fields import Id, Integer, Moment, Revision, Sentence
from shared.limits import messages as limits
from shared.limits import record_hit

_SURELY_SENDABLE_ITEMS = 400
"""So many entries of lists and tables, each the largest there can be, come to less than 900 KB."""


class Side(StrEnum):
    """Which of the two compared systems an integration connects."""

    VENDOR = "vendor"
    """A marketplace, in which the tenant buys."""
    PSA = "psa"
    """The professional services automation, in which the tenant bills."""


class NoNumber(StrEnum):
    """Why there is no count; none of these is zero (architecture §4)."""

    UNREAD = "unread"
    """Listed, but its detail was not read yet."""
    UNQUANTIFIED = "unquantified"
    """The provider returned no quantity."""
    STALE = "stale"
    """Last confirmed longer ago than the integration's `freshness`."""
    ABSENT = "absent"
    """Verified to be gone."""
    NOT_CONNECTED = "not-connected"
    HELD = "held"
    """Of a run that changes an unlikely share of all numbers: a person must look at it first."""
    FAILED = "failed"
    """It could not be calculated, for an error of ours; the log says which."""


class RunKind(StrEnum):
    """How thoroughly a run reads."""

    FULL = "full"
    """Reads every detail."""
    QUICK = "quick"
    """Skips a detail whose list row is unchanged."""


class Outcome(StrEnum):
    """How a run ended."""

    COMPLETE = "complete"
    """Every account that was due was read; single things that could not be are named."""
    PARTIAL = "partial"
    """Some accounts were not read, or lists fell short; what was not read keeps its last value."""
    FAILED = "failed"
    """Nothing that was read can be relied on, as after refused credentials."""


class ContractModel(BaseModel):
    """A value inside a message."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Message(ContractModel):
    """What all messages have: a tenant, a topic, and a key that keeps the messages of one thing in order."""

    topic: ClassVar[str]
    """`<owner>.<name>.v<N>`: the owner is the publisher of an event, the handler of a command."""
    meaning: ClassVar[str]
    """One line of the catalogue."""
    readers: ClassVar[tuple[str, ...]]
    """The services that consume the topic; empty when only other systems do."""
    key_fields: ClassVar[tuple[str, ...]]
    """The fields that, after the tenant, make up the key."""
    compacted: ClassVar[bool] = False
    """Whether Kafka keeps the newest record of each key for ever."""

    tenant_id: Id

    @property
    def key(self) -> str:
        """The Kafka key, `tenant:part:part`; parts are percent-encoded: no two things share a key."""
        return key_of(self.tenant_id, *(str(getattr(self, name)) for name in self.key_fields))


M = TypeVar("M", bound=Message)


def bounded(*lists: str) -> Any:
    """Builds the validator of a message that has lists or tables: all of it has to fit into what Kafka takes.

    The bytes are counted only when the lists are long, which is seldom.
    """

    def assert_sendable(message: M) -> M:
        items = 0
        for name in lists:  # not a sum of a generator: each message comes by here
            items += len(getattr(message, name))
        if items > _SURELY_SENDABLE_ITEMS:
            size = len(message.model_dump_json().encode())
            if size > limits.MESSAGE_BYTES.most:
                record_hit(limits.MESSAGE_BYTES)
                name = type(message).__name__
                raise ValueError(f"{name} would have {size:,} bytes; the most is {limits.MESSAGE_BYTES}")
        return message

    return model_validator(mode="after")(assert_sendable)


class Event(Message):
    """States a fact; many may consume it, late, twice or out of order."""


class Command(Message):
    """Asks one service to do something; delivered twice, it is done once."""


class State(Event):
    """States the whole present state of one thing; a larger `revision` wins."""

    compacted: ClassVar[bool] = True

    revision: Revision
    """Grows with every change of the thing."""


class Observation(State):
    """States what a provider answered about one thing when a run, or a write, read it.

    Its `revision` was taken before the reading, and is about microseconds since the epoch (architecture §3).
    """

    evidence_fields: ClassVar[frozenset[str]] = frozenset()
    """The fields that only help to recognise the thing: nothing is calculated from them."""

    integration_id: Id
    run_id: Id
    """The run that read it, or `write-<approval id>` when a write did."""
    generation: Integer
    """Of the integration; reconnecting raises it."""
    observed_at: Moment
    """When the thing was last read."""
    present: bool = True
    """False once the thing is verified to be gone."""


class ProviderCredentialsRejected(Event):
    """A provider refused the credentials of this generation; a person must reconnect."""

    key_fields: ClassVar[tuple[str, ...]] = ("integration_id",)

    integration_id: Id
    generation: Integer
    """Of the credentials that were refused."""
    refused: Sentence
    """Why, in the provider's own words."""


class SyncRequested(Command):
    """Asks for a run: it joins a full run that is going on, else it is queued."""

    key_fields: ClassVar[tuple[str, ...]] = ("integration_id",)

    integration_id: Id
    sync_id: Id
    """Joins the runs of one request on both sides."""
    kind: RunKind
    asked_by: Id
    """A person's id, or the name of what asked."""
    republish: bool = False
    """Whether all that is read is published again, also what did not change: a reader has lost some of it."""


def key_of(*parts: str) -> str:
    """Joins parts with colons, each percent-encoded, so that different parts never make the same key."""
    return ":".join([part if _PLAIN(part) else quote(part, safe="") for part in parts])


_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch
"""Matches what quoting leaves as it is, as nearly all ids; the look takes a tenth of the time of quoting."""


def integration_id_of(tenant_id: str, provider: str, realm: str) -> str:
    """Returns the id of an integration: always the same for tenant, provider and realm (architecture §1)."""
    return "int_" + opaque(tenant_id, provider, realm)


def service_id_of(vendor_integration_id: str, service_key: str) -> str:
    """Returns the id of a vendor service: always the same for a key in an integration."""
    return "svc_" + opaque(vendor_integration_id, service_key)


def opaque(*parts: str) -> str:
    """Returns a short stable id that tells nothing of its parts: 16 hex digits."""
    return sha256(key_of(*parts).encode()).hexdigest()[:16]


def utc(value: datetime) -> datetime:
    """Returns the moment cut to milliseconds, the precision that the document store keeps."""
    return value.replace(microsecond=value.microsecond // 1000 * 1000)
