"""Finds what of the manifests that have come is news, beside what counts; pure."""

# Invariant: what counts is stored, so what it names is not looked for again: a manifest that says the same
# changes ages alone. A read-back of our own write is the exception, for it counts in place of what the
# manifest says that was read before it:
#
#   counts: add1 r12, read at r90    read back: r150    r300 names add1 r12, read at r290 → it is as at r12
#   again, and psa-sync has forgotten r150, or it would have stated add1 anew: r12 is looked for beside r150

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from billing.observations.manifest_parts import ReceivedManifest
from billing.observations.manifests import ManifestSnapshot
from billing.usage.manifest import AppliedManifest
from billing.usage.manifest_reader import NamedThing
from billing.usage.ref import Ref


def compared_manifests(snapshot: ManifestSnapshot) -> list[AppliedManifest]:
    """The manifests that count and whose things must be known: of accounts with news, or with read-backs."""
    accounts = _news(snapshot).keys() | snapshot.read_backs.keys()
    return [snapshot.current[account] for account in accounts & snapshot.current.keys()]


def lines_read_back(
    snapshot: ManifestSnapshot, named: Mapping[Ref, Iterable[NamedThing]]
) -> dict[Ref, set[str]]:
    """The lines that were read back since they were read for what counts, by account.

    `named` are the things of the manifests that count.
    """
    lines = defaultdict[Ref, set[str]](set)
    for account, read_backs in snapshot.read_backs.items():
        if current := snapshot.current.get(account):
            read = {thing.id: thing.read_revision for thing in named.get(account, ())}
            for line_id, read_back in read_backs.items():
                if read_back.revision > read.get(line_id, current.revision):
                    lines[account].add(line_id)
    return lines


def new_statements(
    snapshot: ManifestSnapshot,
    named: Mapping[Ref, Iterable[NamedThing]],
    read_back: Mapping[Ref, Collection[str]],
) -> dict[Ref, set[tuple[str, int]]]:
    """What must be looked for: what the news names, but for what is named by what counts.

    All is looked for of lines that were read back, and of accounts whose sync service went back: it may have
    forgotten more.
    """
    statements: dict[Ref, set[tuple[str, int]]] = {}
    for account, manifests in _news(snapshot, read_back).items():
        current, lines = snapshot.current.get(account), read_back.get(account, ())
        trusted = [] if current and current.went_back else named.get(account, ())
        known = {(thing.id, thing.revision) for thing in trusted if thing.id not in lines}
        statements[account] = {one for manifest in manifests for one in manifest.statements.items()} - known
    return statements


def _news(snapshot: ManifestSnapshot, read_back: Collection[Ref] = ()) -> dict[Ref, list[ReceivedManifest]]:
    """The manifests that name what must be looked for.

    Of an account whose sync service went back that is each, until one names nothing that is outdated; and of
    an account of which lines were `read_back`.
    """
    news = defaultdict[Ref, list[ReceivedManifest]](list)
    for account, manifests in snapshot.received.items():
        current = snapshot.current.get(account)
        each = account in read_back or (current is not None and current.went_back)
        for one in manifests:
            if one.is_complete and (each or one.changes_numbers(current)):
                news[account].append(one)
    return news
