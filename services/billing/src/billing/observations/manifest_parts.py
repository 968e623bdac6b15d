"""Puts the parts of manifests together, and finds what is wrong with them; pure."""

# Invariant: the parts of one revision are one manifest. Parts that contradict each other are none, whatever
# order they came in: what they name together is not what anybody read.
#
#   r50: part 1 of 2 {sub1}, part 2 of 2 {sub2}        a manifest of sub1 and sub2
#   r50: part 1 of 2 {sub1}, part 2 of 2 {sub1}        sub1 would count twice: at fault
#   r50: part 1 of 2, then part 2 of 3                 they disagree: the second is refused as it comes
#   r50: part 1 of 2, then another part 1 of 2         two say different things of one number: likewise

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from itertools import chain
from typing import Any

from billing.usage.manifest import AppliedManifest
from billing.usage.manifest_reader import part_id
from billing.usage.ref import Ref, RefKind
from shared.contracts.base import utc
from shared.contracts.manifest import AccountRead, ItemSpan, first_repeated
from shared.contracts.vendor_sync import VendorAccountRead

_ABOUT = timedelta(minutes=10)
"""So much older than it is may a thing be shown."""
ALIKE = ("run_id", "generation", "nth", "parts", "listing", "listed_revision", "read_from")
"""What all parts of a manifest say alike."""
_KINDS = ("things", "unreadable", "spans")

Part = Mapping[str, Any]
"""A part as `part_document` stores it."""


@dataclass(frozen=True)
class ReceivedManifest:
    """A manifest of which parts have come, in the order of their numbers."""

    account: Ref
    parts: Sequence[Part]

    @property
    def revision(self) -> int:
        return int(self.parts[0]["revision"])

    @property
    def run_id(self) -> str:
        return str(self.parts[0]["run_id"])

    @property
    def generation(self) -> int:
        return int(self.parts[0]["generation"])

    @property
    def read_from(self) -> datetime:
        """When the account's things were listed."""
        at: datetime = self.parts[0]["read_from"]
        return at

    @property
    def is_complete(self) -> bool:
        """Whether all parts are there; each number is there once, for they are stored by it."""
        return len(self.parts) == int(self.parts[0]["parts"])

    @property
    def fault(self) -> str | None:
        """Why the parts are no manifest; None while nothing is wrong with them."""
        first, *others = self.parts
        for part in others:
            if reason := disagreement(first, part):
                return reason
        for kind in _KINDS:
            if again := first_repeated(entry[0] for part in self.parts for entry in part[kind]):
                return f"{again} is named in two parts"
        return None

    @cached_property
    def statements(self) -> dict[str, int]:
        """The revision that states each thing, by its id."""
        return {thing[0]: thing[1] for part in self.parts for thing in part["things"]}

    @property
    def read_revisions(self) -> dict[str, int]:
        """The revision that was taken before each thing was read last, by its id."""
        return {thing[0]: thing[2] for part in self.parts for thing in part["things"]}

    @property
    def header_fields(self) -> dict[str, Any]:
        """What the account's header tells of it (`manifest_of`)."""
        first = self.parts[0]
        read_at = [(thing[0], thing[3]) for part in self.parts for thing in part["things"]]
        oldest = min((at for _, at in read_at), default=first["read_from"])
        alike = "run_id", "generation", "revision", "parts", "listing", "listed_revision", "read_from"
        return {name: first[name] for name in alike} | {
            "digest": self.digest,
            "things_read_from": oldest,
            "spans": [span for part in self.parts for span in part["spans"]],
            "unreadable": [thing for part in self.parts for thing in part["unreadable"]],
            "read_at": [[id_, at] for id_, at in read_at if at > oldest + _ABOUT],
        }

    @cached_property
    def digest(self) -> str:
        """A hash of what lines are calculated from: two manifests with one hash differ in ages alone.

        A span that only grew changes no line.
        """
        spans = {
            item_id: (known_from, known_from > known_until, *told)
            for part in self.parts
            for item_id, known_from, known_until, *told in part["spans"]
        }
        unreadable = {id_: reason for part in self.parts for id_, reason, _ in part["unreadable"]}
        of_all = self.statements, unreadable, spans
        return _hash([self.parts[0]["listing"], *(sorted(entries.items()) for entries in of_all)])

    def changes_numbers(self, before: AppliedManifest | None) -> bool:
        """Whether anything but ages differs from the manifest before."""
        return before is None or before.digest != self.digest


def account_of(part: AccountRead) -> Ref:
    """The account that a part is of."""
    kind = RefKind.VENDOR_ACCOUNT if isinstance(part, VendorAccountRead) else RefKind.PSA_ACCOUNT
    return Ref(kind, part.integration_id, part.account_id)


def part_document(part: AccountRead, arrived_at: datetime) -> dict[str, Any]:
    """The part as stored; lists of values, for an id may hold what the name of a field must not."""
    account = account_of(part)
    document: dict[str, Any] = {
        "_id": part_id(part.tenant_id, account, part.revision, part.part),
        "ref": account.encode(),
        "integration_id": part.integration_id,
        "run_id": part.run_id,
        "generation": part.generation,
        "revision": part.revision,
        "nth": part.nth,
        "parts": part.parts,
        "listing": part.listing.value,
        "listed_revision": part.listed_revision,
        "read_from": utc(part.read_from),
        "things": [[thing.id, thing.revision, thing.read_revision, thing.read_at] for thing in part.things],
        "unreadable": [[thing.id, thing.reason, thing.item_id] for thing in part.unreadable],
        "spans": [_span_fields(span) for span in part.spans],
        "arrived_at": arrived_at,
        "due_at": arrived_at,
    }
    return document | {"digest": _digest(document)}


def manifests_of(parts: Iterable[Part]) -> list[ReceivedManifest]:
    """Puts parts together, complete or not: the manifests, the oldest of each account first."""
    by_manifest: defaultdict[tuple[str, int], list[Part]] = defaultdict(list)
    for part in parts:
        by_manifest[part["ref"], part["revision"]].append(part)
    return [
        ReceivedManifest(Ref.decode(ref), sorted(of_one, key=lambda part: part["_id"]))
        for (ref, _), of_one in sorted(by_manifest.items(), key=lambda item: item[0])
    ]


def complete_manifests(parts: Iterable[Part]) -> list[ReceivedManifest]:
    """The manifests of which all parts are there and agree, the oldest of each account first."""
    return [one for one in manifests_of(parts) if one.is_complete and not one.fault]


def disagreement(one: Part, other: Part) -> str | None:
    """Why two parts of one revision cannot both be true; None when they can."""
    for name in ALIKE:
        if one[name] != other[name]:
            return f"parts of revision {one['revision']} disagree: {name} is {one[name]} and {other[name]}"
    if one["_id"] == other["_id"] and one["digest"] != other.get("digest", one["digest"]):
        return f"two parts of revision {one['revision']} have one number and differ"
    return None


def first_contradiction(parts: Sequence[Part], stored: Iterable[Part]) -> tuple[Part, str] | None:
    """The first part that contradicts one that came before, with the reason; None when none does."""
    before: defaultdict[tuple[str, int], list[Part]] = defaultdict(list)
    for part in chain(stored, parts):
        before[part["ref"], part["revision"]].append(part)
    for part in parts:
        for other in before[part["ref"], part["revision"]]:
            if other is part:
                break
            if reason := disagreement(part, other):
                return part, reason
    return None


def _span_fields(span: ItemSpan) -> list[Any]:
    fields = [span.item_id, span.known_from, span.known_until, span.ended, span.last_ended_at]
    # Left out where it is not said: what an earlier release stored of the same message has the same digest.
    return [*fields, span.renewals_listed_from] if span.renewals_listed_from else fields


def _digest(document: Part) -> str:
    """A hash of what the part says; of what is stored, for a later release may read more in the message."""
    return _hash([document[name] for name in (*ALIKE, *_KINDS)])


def _hash(told: object) -> str:
    return sha256(json.dumps(told, default=lambda moment: moment.isoformat()).encode()).hexdigest()
