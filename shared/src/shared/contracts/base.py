"""The forms every message takes: events state what is, commands ask for what shall be."""

import re
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, ClassVar
from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer


def plain(number: Decimal) -> str:
    """One text for one number, whatever digits it was read with: `10`, not `10.0` or `1E+1`."""
    return format(number.normalize() + 0, "f")


Number = Annotated[Decimal, PlainSerializer(plain, return_type=str, when_used="json")]
"""An exact decimal; travels as a JSON string without exponent or trailing zeros."""


class Side(StrEnum):
    """Which end of the comparison an integration stands at."""

    VENDOR = "vendor"
    PSA = "psa"


class NoNumber(StrEnum):
    """Why there is no count; none of these is zero (architecture §4)."""

    UNREAD = "unread"
    UNQUANTIFIED = "unquantified"
    STALE = "stale"
    ABSENT = "absent"
    NOT_CONNECTED = "not-connected"


class RunKind(StrEnum):
    """`full` reads every detail; `quick` skips what its list row shows unchanged."""

    FULL = "full"
    QUICK = "quick"


class Outcome(StrEnum):
    """How a run ended; only `complete` makes absence count as zero."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"


class ContractModel(BaseModel):
    """A value inside a message."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Message(ContractModel):
    """What all messages have: a tenant, a topic, and a key that keeps one thing's news in order."""

    topic: ClassVar[str]
    meaning: ClassVar[str]
    readers: ClassVar[tuple[str, ...]]
    key_fields: ClassVar[tuple[str, ...]]
    compacted: ClassVar[bool] = False

    tenant_id: str

    @property
    def key(self) -> str:
        """`tenant:part:part`, each part percent-encoded so that no two things share a key."""
        return key_of(self.tenant_id, *(str(getattr(self, name)) for name in self.key_fields))


class Event(Message):
    """Something that is so; may be heard by many, late, twice or out of order."""


class Command(Message):
    """Something one service is asked to do, once."""


class State(Event):
    """The whole present state of one thing; a larger `revision` wins."""

    compacted: ClassVar[bool] = True

    revision: int


class Observation(State):
    """What a provider said about one thing when a run, or a write, read it."""

    integration_id: str
    run_id: str
    generation: int
    observed_at: AwareDatetime
    present: bool = True


class ProviderCredentialsRejected(Event):
    """A provider refused the credentials of this generation; a person must reconnect."""

    key_fields: ClassVar[tuple[str, ...]] = ("integration_id",)

    integration_id: str
    generation: int
    refused: str


class SyncRequested(Command):
    """A run is wanted; it joins a full run that is going on, else it is queued."""

    key_fields: ClassVar[tuple[str, ...]] = ("integration_id",)

    integration_id: str
    sync_id: str
    kind: RunKind
    asked_by: str


class RunFinished(Event):
    """A run ended; billing closes it once it holds the published number of keys of each topic."""

    key_fields: ClassVar[tuple[str, ...]] = ("integration_id",)

    integration_id: str
    run_id: str
    sync_id: str
    generation: int
    kind: RunKind
    outcome: Outcome
    reason: str | None = None
    first_revision: int
    published: dict[str, int]
    """Distinct keys published in this run, by topic."""
    counts: dict[str, int]
    """What was read, by noun (accounts, subscriptions, details, …)."""
    coverage: Number
    """Share of the due items that were read, 0 to 1."""
    started_at: AwareDatetime
    finished_at: AwareDatetime


def key_of(*parts: str) -> str:
    return ":".join([part if _PLAIN(part) else quote(part, safe="") for part in parts])


_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch
"""What quoting leaves as it is. Nearly all ids are; looking takes a tenth of the time of quoting them."""


def integration_id_of(tenant_id: str, provider: str, realm: str) -> str:
    """The same tenant, provider and realm are always the same integration (architecture §1)."""
    return "int_" + opaque(tenant_id, provider, realm)


def service_id_of(vendor_integration_id: str, service_key: str) -> str:
    """The opaque id of a vendor service; the same key in the same integration is the same service."""
    return "svc_" + opaque(vendor_integration_id, service_key)


def opaque(*parts: str) -> str:
    """A short stable id that tells nothing of its parts: 16 hex digits."""
    return sha256(key_of(*parts).encode()).hexdigest()[:16]


def utc(value: datetime) -> datetime:
    """Cut to milliseconds, the precision that the document store keeps."""
    return value.replace(microsecond=value.microsecond // 1000 * 1000)
