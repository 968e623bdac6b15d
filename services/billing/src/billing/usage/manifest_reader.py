"""Reads the manifests that were applied: which are written is `billing.observations`' business."""

# A manifest is a header, which says what holds of the account as a whole, and parts, which name its things.
# The header is replaced as a whole, and names the revision of its parts: so all numbers of an account change
# in one write, and a reader that has read the header finds exactly the parts that belong to it.
#
#   header acme: revision 50, 2 parts → acme@50/1, acme@50/2     acme@41/1 is what counted before
#
# A reader that comes too late, when header and parts were replaced in between, is told so: parts that are not
# found are no account without things.
#
# Besides what counts and what counted before, a header keeps what was *believed* last: a run that is judged
# is compared with that, and not with whatever another run that nobody believed said in between.
#
#   run1: 10, believed     run2: 0, held     run3: 0 → compared with the 10 of run1

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from billing.usage.manifest import AppliedManifest
from billing.usage.ref import Ref
from shared.contracts.base import key_of
from shared.contracts.manifest import ItemSpan, ListingExtent
from shared.errors import PermanentError, TransientError
from shared.mongo import Document, Mongo

HEADERS, PARTS = "manifests", "manifest_parts"
_PLACES = ("current", "before", "believed")
BESIDE = tuple(f"{place}.{name}" for place in _PLACES[1:] for name in ("revision", "parts"))
"""The fields of a header that tell which parts it names besides those of what counts."""
NAMED_FIELDS = ("ref", "current.revision", "current.parts", *BESIDE)
"""The fields of a header that tell which parts it names."""
_AGES = ("ref", "current.digest", "current.read_from", "current.things_read_from", "current.read_at")


class NamedThing(NamedTuple):
    """A thing as a manifest names it."""

    id: str
    revision: int
    """Of the observation that states it."""
    read_revision: int
    read_at: datetime


class ComparedManifests(NamedTuple):
    """What a run says of an account, and what was believed before."""

    believed: AppliedManifest | None
    of_run: AppliedManifest | None
    """None where what counts is of another run."""
    counts_doubted: bool
    """Whether what counts now is of a run that nobody believed."""


class ManifestReader:
    """Reads the applied manifests of a tenant's accounts."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def of_accounts(self, tenant_id: str, accounts: Iterable[Ref]) -> dict[Ref, AppliedManifest]:
        """Returns the manifests that count; an account that was never completely read has none."""
        ids = [header_id(tenant_id, account) for account in accounts]
        rows = await self._mongo.documents(HEADERS, tenant_id).get_many(ids, fields=["ref", "current"])
        return {Ref.decode(row["ref"]): manifest_of(row["ref"], row["current"]) for row in rows.values()}

    async def to_compare(
        self,
        tenant_id: str,
        accounts: Iterable[Ref],
        run: tuple[str, str],
        doubted: Collection[tuple[str, str]],
    ) -> dict[Ref, ComparedManifests]:
        """Returns what a run (integration and run id) says of these accounts beside what was believed before.

        An account of which nothing was believed before has nothing to be compared with.
        """
        ids = [header_id(tenant_id, account) for account in accounts]
        rows = await self._mongo.documents(HEADERS, tenant_id).get_many(ids)
        compared = {}
        for row in rows.values():
            believed = believed_fields(row, run, doubted)
            of_run = (row["integration_id"], row["current"]["run_id"]) == run
            compared[Ref.decode(row["ref"])] = ComparedManifests(
                manifest_of(row["ref"], believed) if believed else None,
                manifest_of(row["ref"], row["current"]) if of_run else None,
                counts_doubted=(row["integration_id"], row["current"]["run_id"]) in doubted,
            )
        return compared

    async def ages(self, tenant_id: str, accounts: Iterable[Ref]) -> dict[Ref, AppliedManifest]:
        """Returns the manifests with nothing but what tells the ages of their things, and the digest."""
        ids = [header_id(tenant_id, account) for account in accounts]
        rows = await self._mongo.documents(HEADERS, tenant_id).get_many(ids, fields=_AGES)
        return {Ref.decode(row["ref"]): _ages_of(row) for row in rows.values()}

    async def revisions(self, tenant_id: str, accounts: Iterable[Ref]) -> dict[Ref, int]:
        """Returns the revisions of the manifests that count."""
        ids = {header_id(tenant_id, account): account for account in accounts}
        rows = await self._mongo.documents(HEADERS, tenant_id).get_many(ids, fields=["current.revision"])
        return {ids[id_]: row["current"]["revision"] for id_, row in rows.items()}

    async def things(
        self, tenant_id: str, manifests: Iterable[AppliedManifest]
    ) -> dict[Ref, list[NamedThing]]:
        """Returns the things that these manifests name, by account.

        Raises `TransientError` when one of them was replaced since it was read, or gone with what waited, and
        `PermanentError` when the store has lost parts of one that a header names still.
        """
        things: dict[Ref, list[NamedThing]] = {manifest.account: [] for manifest in manifests}
        ids = {
            part_id(tenant_id, manifest.account, manifest.revision, part): manifest
            for manifest in manifests
            for part in range(1, manifest.parts + 1)
        }
        rows = await self._mongo.documents(PARTS, tenant_id).get_many(ids, fields=["ref", "things"])
        if missing := [manifest for id_, manifest in ids.items() if id_ not in rows]:
            await self._assert_replaced(tenant_id, missing)
            raise TransientError(f"manifests of {tenant_id} were replaced while they were read")
        for row in rows.values():
            things[Ref.decode(row["ref"])] += [NamedThing(*thing) for thing in row["things"]]
        return things

    async def _assert_replaced(self, tenant_id: str, manifests: Iterable[AppliedManifest]) -> None:
        """Raises `PermanentError` when a header names one of these manifests, whose parts were not found.

        Parts go in the transaction in which their header names them no more, and never come back.
        """
        revisions = {manifest.account: manifest.revision for manifest in manifests}
        ids = [header_id(tenant_id, account) for account in revisions]
        rows = await self._mongo.documents(HEADERS, tenant_id).get_many(ids, fields=NAMED_FIELDS)
        for row in rows.values():
            if (revision := revisions[Ref.decode(row["ref"])]) in named_parts(row):
                raise PermanentError(f"parts of the manifest of {row['ref']} at {revision} are not stored")


def header_id(tenant_id: str, account: Ref) -> str:
    return key_of(tenant_id, account.kind, account.integration_id, account.id)


def part_id(tenant_id: str, account: Ref, revision: int, part: int) -> str:
    """The id of a part; those of an account sort by revision, then by part."""
    return f"{header_id(tenant_id, account)}@{revision:019}/{part:06}"


def named_parts(header: Document) -> dict[int, int]:
    """How many parts each manifest has that the header names, by its revision."""
    places = (header.get(place) for place in _PLACES)
    return {fields["revision"]: fields["parts"] for fields in places if fields}


def manifest_of(ref: str, fields: Document) -> AppliedManifest:
    """The manifest that one of the two places of a header tells; `ref` is that of the account."""
    return AppliedManifest(
        account=Ref.decode(ref),
        run_id=fields["run_id"],
        generation=fields["generation"],
        revision=fields["revision"],
        parts=fields["parts"],
        listing=ListingExtent(fields["listing"]),
        listed_revision=fields["listed_revision"],
        read_from=fields["read_from"],
        spans={span[0]: _span(span) for span in fields["spans"]},
        unreadable={id_: reason for id_, reason, _ in fields["unreadable"]},
        unreadable_items={id_: item_id for id_, _, item_id in fields["unreadable"] if item_id},
        read_at=dict(fields["read_at"]),
        things_read_from=fields["things_read_from"],
        went_back=fields.get("went_back", False),
        digest=fields.get("digest", ""),
    )


def believed_fields(
    row: Document, run: tuple[str, str], doubted: Collection[tuple[str, str]]
) -> Document | None:
    """The place of a header that was believed last, of those that are not of this run; None without one.

    A short listing says nothing about what it leaves out: it is believed only where nothing better was.
    """
    current: Document = row["current"]
    believed: Document | None = row.get("believed")
    of_current = row["integration_id"], current["run_id"]
    if of_current == run or of_current in doubted:
        return believed
    return believed if believed and current["listing"] == ListingExtent.SHORT.value else current


def _ages_of(row: Document) -> AppliedManifest:
    fields = row["current"]
    return AppliedManifest(
        Ref.decode(row["ref"]),
        run_id="",
        generation=0,
        revision=0,
        parts=0,
        listing=ListingExtent.WHOLE,
        listed_revision=0,
        read_from=fields["read_from"],
        read_at=dict(fields["read_at"]),
        digest=fields.get("digest", ""),
        things_read_from=fields["things_read_from"],
    )


def _span(fields: list[Any]) -> ItemSpan:
    # Read from our own store: nothing to validate, and there are many.
    names = "item_id", "known_from", "known_until", "ended", "last_ended_at", "renewals_listed_from"
    return ItemSpan.model_construct(**dict(zip(names, fields, strict=False)))  # the last may be left out
