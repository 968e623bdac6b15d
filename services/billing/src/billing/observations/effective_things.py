"""Reads the things of accounts as they count: each as stated by the observation that its manifest names."""

# Invariant: a thing counts at the revision that the applied manifest names, or at that of a read-back of ours
# that is newer than the manifest's last reading of it, and at no other. What a row has moved on from is in
# the history.
#
#   manifest: s1 at r12     row of s1: r40, history: r12 → s1 counts as stated at r12
#
# What the manifest says of a line that a read-back has replaced is read beside: a read-back tells of its own
# line alone, so what it takes from a product leaves no zero there (`usage.psa_count`).

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
    replaced_lines: Mapping[Ref, Sequence[EffectiveThing[AgreementLineObserved]]]
    """What the manifests say of the lines that read-backs have replaced since."""


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
        billed, replaced = list[_Version](), list[_Version]()
        for account in (account for account in psa_accounts if account in manifests):
            lines = _with_read_backs(manifests[account], things.get(account, ()), read_backs.get(account, {}))
            billed += lines.billed
            replaced += lines.replaced
        return EffectiveThings(
            manifests,
            await self._load(tenant_id, _SUBSCRIPTIONS, bought, manifests),
            await self._load(tenant_id, _AGREEMENT_LINES, billed, manifests),
            await self._load(tenant_id, _AGREEMENT_LINES, replaced, manifests),
        )

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


class _Lines(NamedTuple):
    """The lines of a PSA account."""

    billed: list[_Version]
    """As they count."""
    replaced: list[_Version]
    """As the manifest names those that a newer read-back states."""


def _with_read_backs(
    manifest: AppliedManifest, things: Iterable[NamedThing], read_backs: Mapping[str, ReadBack]
) -> _Lines:
    """A read-back counts unless the manifest read the line later."""
    lines, named = _Lines([], []), set[str]()
    for thing in things:
        named.add(thing.id)
        read_back = read_backs.get(thing.id)
        if read_back is None or read_back.revision <= thing.read_revision:
            lines.billed.append(_version(manifest.account, thing))
            continue
        lines.replaced.append(_version(manifest.account, thing))
        if not read_back.has_left:
            lines.billed.append(_Version(manifest.account, thing.id, read_back.revision, read_back=True))
    for line_id, read_back in read_backs.items():
        if line_id not in named and not read_back.has_left and read_back.revision > manifest.revision:
            lines.billed.append(_Version(manifest.account, line_id, read_back.revision, read_back=True))
    return lines


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
