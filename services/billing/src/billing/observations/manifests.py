"""A manifest as billing receives it: parts that came, and whether they may take effect; pure."""

# Invariant: the manifest that counts of an account is the newest whose parts have all come and whose
# observations are all stored; one that is older than what counts, or of an older connection, never counts.
#
#   counts: r20     r50 part 1 of 2 → waits     r50 part 2 → complete, but sub1 at r41 is not stored → waits
#   sub1 at r41 is stored → r50 takes effect    r44, complete → overtaken

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from billing.usage.manifest import AppliedManifest
from billing.usage.manifest_reader import manifest_of, part_id
from billing.usage.ref import Ref, RefKind
from shared.contracts.manifest import AccountRead
from shared.contracts.vendor_sync import VendorAccountRead

_ABOUT = timedelta(minutes=10)
"""So much older than it is may a thing be shown."""

Part = Mapping[str, Any]
"""A part as `part_document` stores it."""


@dataclass(frozen=True, slots=True)
class ReceivedManifest:
    """A manifest of which all parts have come."""

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
            "things_read_from": oldest,
            "spans": [span for part in self.parts for span in part["spans"]],
            "unreadable": [thing for part in self.parts for thing in part["unreadable"]],
            "read_at": [[id_, at] for id_, at in read_at if at > oldest + _ABOUT],
        }

    def changes_numbers(self, before: AppliedManifest | None, statements: Mapping[str, int]) -> bool:
        """Whether anything but ages differs from the manifest before, which named these statements."""
        if before is None or statements != self.statements:
            return True
        now = manifest_of(self.account.encode(), self.header_fields)
        return _content(now) != _content(before)


def account_of(part: AccountRead) -> Ref:
    """The account that a part is of."""
    kind = RefKind.VENDOR_ACCOUNT if isinstance(part, VendorAccountRead) else RefKind.PSA_ACCOUNT
    return Ref(kind, part.integration_id, part.account_id)


def part_document(part: AccountRead, arrived_at: datetime) -> dict[str, Any]:
    """The part as stored; lists of values, for an id may hold what the name of a field must not."""
    account = account_of(part)
    return {
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
        "read_from": part.read_from,
        "things": [[thing.id, thing.revision, thing.read_revision, thing.read_at] for thing in part.things],
        "unreadable": [[thing.id, thing.reason, thing.item_id] for thing in part.unreadable],
        "spans": [
            [span.item_id, span.known_from, span.known_until, span.ended, span.last_ended_at]
            for span in part.spans
        ],
        "arrived_at": arrived_at,
        "due_at": arrived_at,
    }


def complete_manifests(parts: Iterable[Part]) -> list[ReceivedManifest]:
    """The manifests of which all parts are there, the oldest of each account first."""
    by_manifest: defaultdict[tuple[str, int], list[Part]] = defaultdict(list)
    for part in parts:
        by_manifest[part["ref"], part["revision"]].append(part)
    return [
        ReceivedManifest(Ref.decode(ref), sorted(of_one, key=lambda part: part["_id"]))
        for (ref, _), of_one in sorted(by_manifest.items(), key=lambda item: item[0])
        if len(of_one) == of_one[0]["parts"]
    ]


@dataclass(frozen=True, slots=True)
class StoredStatements:
    """What is known of the observations that some manifests of an account name."""

    unstored: Collection[tuple[str, int]] = ()
    """Statements (thing and revision) that are not stored."""
    newest: Mapping[str, int] = field(default_factory=dict)
    """The revision of the newest observation of each thing that is stored at another one, by its id."""


NOTHING_NEW = StoredStatements()


@dataclass(frozen=True, slots=True)
class ManifestDecision:
    """What becomes of the manifests of an account that have come: at most one takes effect."""

    effective: ReceivedManifest | None
    overtaken: Sequence[ReceivedManifest] = ()
    waiting: Sequence[ReceivedManifest] = ()
    went_back: bool = False
    """Whether the sync service has forgotten what it published: its database was restored."""


def decide_manifests(
    received: Sequence[ReceivedManifest],
    current: AppliedManifest | None,
    *,
    generation: int,
    known: StoredStatements,
    rejected: Collection[str] = (),
) -> ManifestDecision:
    """Decides on the complete manifests of one account, the oldest first.

    `generation` is that of the integration as far as it is known here, `rejected` are the ids of the runs
    that a person did not believe.
    """
    least = max(generation, current.generation if current else 0)
    newest = current.revision if current else 0
    outdated = [
        one for one in received if one.revision <= newest or one.generation < least or one.run_id in rejected
    ]
    candidates = [one for one in received if one not in outdated]
    stored = [one for one in candidates if not one.statements.items() & known.unstored]
    effective = stored[-1] if stored else None
    if effective is None:
        return ManifestDecision(None, outdated, candidates)
    return ManifestDecision(
        effective,
        [*outdated, *(one for one in candidates if one.revision < effective.revision)],
        [one for one in candidates if one.revision > effective.revision],
        _went_back(effective, known),
    )


def _went_back(manifest: ReceivedManifest, known: StoredStatements) -> bool:
    """Whether a thing was read after its newest observation, and is named by an older one all the same.

    The sync service would have published a change from the one to the other, had it known of the newer.
    """
    statements, read_revisions = manifest.statements, manifest.read_revisions
    return any(
        statements[id_] < newest < read_revisions[id_]
        for id_, newest in known.newest.items()
        if id_ in statements
    )


def _content(manifest: AppliedManifest) -> tuple[object, ...]:
    """What lines are calculated from, besides the things: a span that only grew changes none of them."""
    spans = {
        item: (span.known_from, span.is_empty, span.ended, span.last_ended_at)
        for item, span in manifest.spans.items()
    }
    return manifest.listing, manifest.unreadable, spans
