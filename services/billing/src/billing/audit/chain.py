"""The audit chain: every entry carries the hash of the one before it, from entry one of each tenant.

An export is one entry a line, oldest first. `verify` needs nothing but those lines: it finds any change,
insertion, removal before the end, and reordering. What was cut off at the end shows only against a head
(`seq` and `hash`) that was noted elsewhere: the export's `Audit-Head` header carries it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from shared.contracts.base import utc

Details = dict[str, Any]
"""What JSON can say without floating point: texts, whole numbers, true, false, null, lists, objects."""

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class AuditDraft:
    """What happened, before it has a place in the chain."""

    at: datetime
    actor: str
    """A person's id, or the service that reported it."""
    action: str
    subject: str
    """What it happened to, as `<kind>:<id>`."""
    details: Details = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last entry of a chain; `seq` 0 when there is none yet."""

    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One link; `line` is its export, `hash` is over that line without the hash itself."""

    tenant_id: str
    seq: int
    draft: AuditDraft
    previous: str
    hash: str

    @property
    def line(self) -> str:
        return canonical({**_body(self.tenant_id, self.seq, self.previous, self.draft), "hash": self.hash})


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """How an export was found; `problem` names the first line that does not hold."""

    head: ChainHead
    problem: str | None = None

    @property
    def intact(self) -> bool:
        return self.problem is None


def chained(tenant_id: str, head: ChainHead, drafts: Sequence[AuditDraft]) -> list[AuditEntry]:
    """The entries that follow `head`, in the order given."""
    entries = []
    for draft in drafts:
        body = _body(tenant_id, head.seq + 1, head.hash, draft)
        head = ChainHead(head.seq + 1, _hash(body))
        entries.append(AuditEntry(tenant_id, head.seq, draft, body["previous"], head.hash))
    return entries


def verify(lines: Iterable[str], *, head: ChainHead | None = None) -> ChainCheck:
    """Walk an export from its first line; `head`, when one was noted, must be on the way or at its end."""
    last, tenant_id, met = ChainHead(), None, head is None or head == ChainHead()
    for line in lines:
        entry = _parsed(line.removesuffix("\n"))
        fault = _fault(entry, last, tenant_id)
        if entry is None or fault:
            return ChainCheck(last, f"line {last.seq + 1}: {fault}")
        last, tenant_id = ChainHead(entry["seq"], entry["hash"]), entry["tenant_id"]
        met = met or last == head
    return ChainCheck(last, None if met else f"the noted head, entry {head.seq if head else 0}, is not in it")


def canonical(value: Any) -> str:
    """The one spelling of a JSON value: ASCII, keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _body(tenant_id: str, seq: int, previous: str, draft: AuditDraft) -> Details:
    return {
        "tenant_id": tenant_id,
        "seq": seq,
        "at": utc(draft.at.astimezone(UTC)).isoformat(timespec="milliseconds"),
        "actor": draft.actor,
        "action": draft.action,
        "subject": draft.subject,
        "details": draft.details,
        "previous": previous,
    }


def _hash(body: Details) -> str:
    return sha256(canonical(body).encode()).hexdigest()


def _parsed(line: str) -> Details | None:
    """The entry, unless the line is anything but its one spelling."""
    try:
        entry = json.loads(line)
        spelled = canonical(entry)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and spelled == line else None


def _fault(entry: Details | None, last: ChainHead, tenant_id: str | None) -> str | None:
    if entry is None:
        return "it is not an entry as it was exported"
    if entry.get("seq") != last.seq + 1 or entry.get("previous") != last.hash:
        return f"it does not follow entry {last.seq}: something before it was removed, added or moved"
    if tenant_id not in (None, entry.get("tenant_id")):
        return "it belongs to another tenant"
    body = {name: value for name, value in entry.items() if name != "hash"}
    if entry.get("hash") != _hash(body):
        return "its hash is not that of its content"
    return None
