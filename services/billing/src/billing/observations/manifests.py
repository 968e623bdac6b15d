"""What becomes of manifests as billing receives them: whether they may take effect; pure."""

# Invariant: the manifest that counts of an account is the newest whose parts have all come and whose
# observations are all stored; one that is older than what counts, or of an older connection, never counts.
#
#   counts: r20     r50 part 1 of 2 → waits     r50 part 2 → complete, but sub1 at r41 is not stored → waits
#   sub1 at r41 is stored → r50 takes effect    r44, complete → overtaken
#
# What can never count is put aside, with the reason, and goes; its run says which account it is short of:
#
#   r50 part 1 of 2, then r60 part 1 of 2    r50 is void: the topic keeps the newest part of each number alone
#   r50 names sub1, which was read in beta   refused: that is not what anybody read of this account
#   r50 is of connection 3, known is 2       waits: the news of the connection is on its way
#   r50 is of connection 1, known is 2       in vain, unless r60 of connection 2 counts: then overtaken

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from billing.observations.manifest_parts import ReceivedManifest
from billing.usage.manifest import AppliedManifest
from billing.usage.ref import Ref

_CLOCKS_DIFFER = timedelta(hours=1)
"""By less than that, for certain, between replicas of a sync service."""
REPLACED = "its connection has been replaced"
VOID = "parts of its manifest are missing, and a newer manifest has come"


@dataclass(frozen=True, slots=True)
class StoredStatements:
    """What is known of the observations that some manifests of an account name."""

    unstored: set[tuple[str, int]] = field(default_factory=set)
    """Statements (thing and revision) that are not stored."""
    elsewhere: set[tuple[str, int]] = field(default_factory=set)
    """Statements that are stored, but as ones of another account."""
    newest: dict[str, int] = field(default_factory=dict)
    """The revision of the newest observation of each thing that is stored at another one, by its id."""


NOTHING_NEW = StoredStatements()


class ReadBack(NamedTuple):
    """The newest read-back of a line, as one of its accounts sees it."""

    revision: int
    has_left: bool
    """Whether it shows the line under another account."""


class ManifestSnapshot(NamedTuple):
    """The manifests of some accounts of a tenant at one moment."""

    settled: int
    """How often manifests of the tenant had been settled by then."""
    received: Mapping[Ref, Sequence[ReceivedManifest]]
    """What waits, complete or not, the oldest first; nothing waits of an account that is left out."""
    current: Mapping[Ref, AppliedManifest]
    """What counts."""
    read_backs: Mapping[Ref, Mapping[str, ReadBack]]
    """The read-backs of our own writes, by line id; an account of which none was written to is left out."""


@dataclass(frozen=True, slots=True)
class ManifestDecision:
    """What becomes of the manifests of an account that have come: at most one takes effect."""

    effective: ReceivedManifest | None
    overtaken: Sequence[ReceivedManifest] = ()
    waiting: Sequence[ReceivedManifest] = ()
    in_vain: Sequence[tuple[ReceivedManifest, str]] = ()
    """Those that can never take effect, and why."""
    went_back: frozenset[int] = frozenset()
    """Revisions of those that show that the sync service has forgotten what it published: its database was
    restored."""


def decide_manifests(
    received: Sequence[ReceivedManifest],
    current: AppliedManifest | None,
    *,
    generation: int | None,
    known: StoredStatements,
    rejected: Collection[str] = (),
) -> ManifestDecision:
    """Decides on the manifests of one account, the oldest first, complete or not.

    `generation` is that of the integration as far as it is known here (None where nothing is), `rejected` are
    the ids of the runs that a person did not believe.
    """
    least = max(generation or 0, current.generation if current else 0)
    newest = current.revision if current else 0
    outdated = [one for one in received if one.revision <= newest or one.run_id in rejected]
    candidates = [one for one in received if one not in outdated]
    faults = _faults(candidates, known, least)
    stored = [
        one
        for one in candidates
        if one.is_complete
        and one.revision not in faults
        and (generation is None or one.generation <= generation)
        and not one.statements.items() & known.unstored
    ]
    effective = stored[-1] if stored else None
    counts = effective.revision if effective else 0
    later = [one for one in candidates if one.revision > counts]
    return ManifestDecision(
        effective,
        [*outdated, *(one for one in candidates if one.revision < counts)],
        [one for one in later if one.revision not in faults],
        [(one, faults[one.revision]) for one in later if one.revision in faults],
        _that_went_back(outdated, current, effective, known),
    )


def _faults(
    candidates: Sequence[ReceivedManifest], known: StoredStatements, least_generation: int
) -> dict[int, str]:
    """Why manifests can never take effect, by their revisions; those that may are left out."""
    faults: dict[int, str] = {}
    for one in candidates:
        if one.generation < least_generation:
            faults[one.revision] = REPLACED
        elif reason := one.fault:
            faults[one.revision] = reason
        elif strangers := one.statements.items() & known.elsewhere:
            faults[one.revision] = f"{min(strangers)[0]} was read in another account"
    newest = max((one.revision for one in candidates if one.revision not in faults), default=0)
    incomplete = [one.revision for one in candidates if not one.is_complete and one.revision < newest]
    return dict.fromkeys(incomplete, VOID) | faults


def _that_went_back(
    outdated: Sequence[ReceivedManifest],
    current: AppliedManifest | None,
    effective: ReceivedManifest | None,
    known: StoredStatements,
) -> frozenset[int]:
    """The revisions of manifests that show that their sync service has forgotten something."""
    revisions = {
        one.revision for one in outdated if current and _read_later(one, current) and one.fault is None
    }
    if effective and _went_back(effective, known):
        revisions.add(effective.revision)
    return frozenset(revisions)


def _read_later(manifest: ReceivedManifest, current: AppliedManifest) -> bool:
    """Whether another run read it after what counts, and gave it the smaller revision all the same.

    Runs of one integration follow each other, and their revisions grow.
    """
    later = manifest.read_from > current.read_from + _CLOCKS_DIFFER
    return later and manifest.revision < current.revision and manifest.run_id != current.run_id


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
