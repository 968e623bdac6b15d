"""Reads the things of accounts as they count: each as stated by the observation that its manifest names."""

# Invariant: a thing counts at the revision that the applied manifest names, or at that of a read-back of ours
# that is newer than the manifest's last reading of it, and at no other. What a row has moved on from is in
# the history.
#
#   manifest: s1 at r12     row of s1: r40, history: r12 → s1 counts as stated at r12
#
# What the manifest says of a line that a read-back states is read beside: a read-back tells of its own line
# alone, so where it brings a line to a product, or takes it away, no number is known (`usage.psa_count`).

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from billing.observations.manifests import ReadBack
from billing.observations.read_backs import ReadBacks
from billing.observations.repository import HISTORY, OBSERVED, history_id
from billing.usage.manifest import AppliedManifest, EffectiveThing
from billing.usage.manifest_reader import ManifestReader, NamedThing
from billing.usage.ref import Ref
from billing.usage.subscription import StoredSubscription
from shared.contracts.base import key_of
from shared.contracts.psa_sync import AgreementLineObserved
from shared.contracts.vendor_sync import SubscriptionObserved
from shared.errors import PermanentError
from shared.mongo import Document, Mongo

Kept = TypeVar("Kept", StoredSubscription, AgreementLineObserved)

StatedBefore = Mapping[str, AgreementLineObserved | None]
"""Lines by id as a manifest states them; None for one that it does not name."""

_PAGE = 500
"""Things that are read together."""


class _Version(NamedTuple):
    """A state of a thing that counts."""

    account: Ref
    id: str
    revision: int
    read_back: bool = False

    def key(self, tenant_id: str) -> str:
        return key_of(tenant_id, self.account.integration_id, self.id)


@dataclass(frozen=True, slots=True)
class EffectiveThings:
    """What counts of some accounts of both sides."""

    manifests: Mapping[Ref, AppliedManifest]
    subscriptions: Mapping[Ref, Sequence[EffectiveThing[StoredSubscription]]]
    agreement_lines: Mapping[Ref, Sequence[EffectiveThing[AgreementLineObserved]]]
    read_backs: Mapping[Ref, StatedBefore]
    """By account, what its manifest says of each line that a newer read-back states."""


class EffectiveThingReader:
    """Reads what counts, in a fixed number of reads."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo, self._manifests, self._read_backs = mongo, ManifestReader(mongo), ReadBacks(mongo)

    async def of_accounts(
        self,
        tenant_id: str,
        vendor_accounts: Collection[Ref],
        psa_accounts: Collection[Ref],
        *,
        given: Mapping[Ref, AppliedManifest] | None = None,
    ) -> EffectiveThings:
        """Returns what counts; an account without a manifest has nothing that does.

        With manifests given, it is what would count if these did, and no others. Raises as
        `ManifestReader.things` does: what is replaced while it is read is to be read again.
        """
        manifests = given
        if manifests is None:
            manifests = await self._manifests.of_accounts(tenant_id, [*vendor_accounts, *psa_accounts])
        things = await self._manifests.things(tenant_id, manifests.values())
        read_backs = await self._read_backs.of_accounts(tenant_id, psa_accounts)
        bought = [
            _version(account, thing) for account in vendor_accounts for thing in things.get(account, ())
        ]
        billed, stated = list[_Version](), dict[Ref, dict[str, _Version | None]]()
        for account in (account for account in psa_accounts if account in manifests):
            versions, stated[account] = _with_read_backs(
                manifests[account], things.get(account, ()), read_backs.get(account, {})
            )
            billed += versions
        return EffectiveThings(
            manifests,
            await self._load(tenant_id, _SUBSCRIPTIONS, bought, manifests),
            await self._load(tenant_id, _AGREEMENT_LINES, billed, manifests),
            await self._load_stated(tenant_id, stated, manifests),
        )

    async def _load_stated(
        self,
        tenant_id: str,
        stated: Mapping[Ref, Mapping[str, _Version | None]],
        manifests: Mapping[Ref, AppliedManifest],
    ) -> dict[Ref, StatedBefore]:
        versions = [version for of_account in stated.values() for version in of_account.values() if version]
        loaded = await self._load(tenant_id, _AGREEMENT_LINES, versions, manifests)
        lines = {
            (account, thing.observed.line_id): thing.observed
            for account, things in loaded.items()
            for thing in things
        }
        return {
            account: {line_id: lines.get((account, line_id)) for line_id in of_account}
            for account, of_account in stated.items()
        }

    async def _load(
        self,
        tenant_id: str,
        kind: "_Kind[Kept]",
        versions: Sequence[_Version],
        manifests: Mapping[Ref, AppliedManifest],
    ) -> dict[Ref, list[EffectiveThing[Kept]]]:
        """Reads page by page: rows take many times the memory of what is kept of them."""
        things: defaultdict[Ref, list[EffectiveThing[Kept]]] = defaultdict(list)
        for start in range(0, len(versions), _PAGE):
            page = versions[start : start + _PAGE]
            rows = await self._rows(tenant_id, kind.collection, page)
            for version, row in zip(page, rows, strict=True):
                thing = _thing(kind, version, row, manifests[version.account])
                things[version.account].append(thing)
        return things

    async def _rows(self, tenant_id: str, name: str, versions: Sequence[_Version]) -> list[Document | None]:
        """The row that states each of these versions; None for one that is stored nowhere."""
        rows = await self._mongo.documents(name, tenant_id).get_many(
            {version.key(tenant_id) for version in versions}
        )
        # A thing that moved may be named by two accounts, at two revisions.
        older = {
            history_id(name, version.key(tenant_id), version.revision)
            for version in versions
            if not _states(rows.get(version.key(tenant_id)), version)
        }
        history = await self._mongo.documents(HISTORY, tenant_id).get_many(older)
        found = []
        for version in versions:
            key = version.key(tenant_id)
            row = rows.get(key)
            if not _states(row, version):
                row = history.get(history_id(name, key, version.revision))
            found.append(row)
        return found


def _states(row: Document | None, version: _Version) -> bool:
    return row is not None and row["revision"] == version.revision


def _version(account: Ref, thing: NamedThing) -> _Version:
    return _Version(account, thing.id, thing.revision)


def _with_read_backs(
    manifest: AppliedManifest, things: Iterable[NamedThing], read_backs: Mapping[str, ReadBack]
) -> tuple[list[_Version], dict[str, _Version | None]]:
    """The lines of a PSA account as they count; and of those that a read-back states what the manifest does.

    A read-back states a line unless the manifest read it later, or listed the account later without it.
    """
    versions, stated = list[_Version](), dict[str, _Version | None]()
    named = {thing.id: thing for thing in things}
    newer = {
        line_id: read_back
        for line_id, read_back in read_backs.items()
        if read_back.revision
        > (named[line_id].read_revision if line_id in named else manifest.listed_revision)
    }
    for thing in named.values():
        if thing.id not in newer:
            versions.append(_version(manifest.account, thing))
    for line_id, read_back in newer.items():
        stated[line_id] = _version(manifest.account, named[line_id]) if line_id in named else None
        if not read_back.has_left:
            versions.append(_Version(manifest.account, line_id, read_back.revision, read_back=True))
    return versions, stated


@dataclass(frozen=True, slots=True)
class _Kind(Generic[Kept]):
    """The things of one side, and what is kept of a row of theirs."""

    collection: str
    keep: Callable[[Document], Kept]


_SUBSCRIPTIONS = _Kind(OBSERVED[SubscriptionObserved], StoredSubscription.of)
_AGREEMENT_LINES = _Kind(OBSERVED[AgreementLineObserved], AgreementLineObserved.model_validate)


def _thing(
    kind: _Kind[Kept], version: _Version, row: Document | None, manifest: AppliedManifest
) -> EffectiveThing[Kept]:
    if row is None:
        # A manifest is applied once all that it names is stored: the store has lost it since.
        raise PermanentError(f"{kind.collection}: {version.id} at {version.revision} is not stored")
    observed = kind.keep(row)
    as_of = observed.observed_at if version.read_back else manifest.age_of(version.id)
    return EffectiveThing(version.account, observed, as_of, manifest.unreadable.get(version.id, ""))
