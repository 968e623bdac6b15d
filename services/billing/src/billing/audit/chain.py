"""The audit log as a hash chain: from a tenant's first entry on, each carries the hash of the one before.

An export holds one entry a line, oldest first. `verify` needs nothing but those lines: it finds any change,
insertion, reordering, and any removal before the end. An end that was cut off shows only against a head
(`seq` and `hash`) that was noted elsewhere; the export carries it in its `Audit-Head` headers.
"""

# Invariant: the hash of an entry is SHA-256 over the one spelling of all its other fields, `previous` among
# them, and `previous` is the hash of the entry before. So each hash stands for all that came before it:
#
#   seq 1  previous 000…000  details {"target":"7"}  hash a1…
#   seq 2  previous a1…      details {"after":"7"}   hash b2…
#
# Whoever changes entry 1 must change its hash, so `previous` of entry 2, so the hash of entry 2, and so on
# to the head, which others have noted. "One spelling" matters: a verifier that took `{"a": 1}` for
# `{"a":1}` would pass a line that is not the line that was exported.

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
"""`previous` of a tenant's first entry."""


@dataclass(frozen=True, slots=True)
class AuditDraft:
    """What happened, before it has its number and hash in a chain."""

    at: datetime
    actor: str
    """A person's id, or the service that reported it."""
    action: str
    subject: str
    """What it happened to, as `<kind>:<id>`."""
    details: Details = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The number and hash of a chain's last entry; `seq` is 0 when there is none yet."""

    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of a chain; `hash` is over the exported line without the hash itself."""

    tenant_id: str
    seq: int
    draft: AuditDraft
    previous: str
    hash: str

    @property
    def line(self) -> str:
        """The entry as an export spells it, without line end."""
        body = _body(self.tenant_id, self.seq, self.previous, self.draft)
        return canonical_json({**body, "hash": self.hash})


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """What verifying an export found: the last good entry, and the first line that does not hold."""

    head: ChainHead
    problem: str | None = None

    @property
    def intact(self) -> bool:
        return self.problem is None


def chain_entries(tenant_id: str, head: ChainHead, drafts: Sequence[AuditDraft]) -> list[AuditEntry]:
    """Returns the entries that follow `head`, in the order of the drafts."""
    entries = []
    for draft in drafts:
        body = _body(tenant_id, head.seq + 1, head.hash, draft)
        head = ChainHead(head.seq + 1, _hash(body))
        entries.append(AuditEntry(tenant_id, head.seq, draft, body["previous"], head.hash))
    return entries


def verify(lines: Iterable[str], *, head: ChainHead | None = None) -> ChainCheck:
    """Checks an export from its first line; a `head` that was noted must be one of its entries."""
    last, tenant_id = ChainHead(), None
    head_found = head is None or head == ChainHead()
    for line in lines:
        entry = _parse(line.removesuffix("\n"))
        problem = _problem(entry, last, tenant_id)
        if entry is None or problem:
            return ChainCheck(last, f"line {last.seq + 1}: {problem}")
        last, tenant_id = ChainHead(entry["seq"], entry["hash"]), entry["tenant_id"]
        head_found = head_found or last == head
    if head_found:
        return ChainCheck(last)
    return ChainCheck(last, f"the noted head, entry {head.seq if head else 0}, is not in it")


def canonical_json(value: Any) -> str:
    """Returns the one spelling of a JSON value: ASCII, keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _body(tenant_id: str, seq: int, previous: str, draft: AuditDraft) -> Details:
    return {
        "tenant_id": tenant_id,
        "seq": seq,
        # Milliseconds, the precision of the document store: an entry read back must spell its time as it
        # was hashed.
        "at": utc(draft.at.astimezone(UTC)).isoformat(timespec="milliseconds"),
        "actor": draft.actor,
        "action": draft.action,
        "subject": draft.subject,
        "details": draft.details,
        "previous": previous,
    }


def _hash(body: Details) -> str:
    return sha256(canonical_json(body).encode()).hexdigest()


def _parse(line: str) -> Details | None:
    """Returns the entry, or None for a line that is anything but an entry's one spelling."""
    try:
        entry = json.loads(line)
        spelling = canonical_json(entry)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and spelling == line else None


def _problem(entry: Details | None, last: ChainHead, tenant_id: str | None) -> str | None:
    """Returns what is wrong with an entry that should follow `last`; `tenant_id` is None before the first."""
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
