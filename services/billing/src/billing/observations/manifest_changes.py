"""What applying manifests changes in the store: headers, and the parts that nothing names any more."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from billing.observations.manifest_parts import ReceivedManifest
from billing.observations.manifests import ManifestDecision
from billing.usage.manifest_reader import believed_fields, part_id
from billing.usage.ref import Ref
from shared.mongo import Change, Document, Put, Remove, Update


def header(
    id_: str,
    manifest: ReceivedManifest,
    before: Document | None,
    doubted: Collection[tuple[str, str]] = (),
    *,
    went_back: bool = False,
) -> Document:
    """The header by which a manifest counts; what counted before and what was believed stay beside it.

    `doubted` are integration and run id of the runs that nobody believed. `went_back` is kept, for the run
    that the manifest is of may have been closed when it shows it: the next manifest that names the same
    observations must show it too.
    """
    run = manifest.account.integration_id, manifest.run_id
    believed = believed_fields(before, run, doubted) if before else None
    return {
        "_id": id_,
        "ref": manifest.account.encode(),
        "integration_id": manifest.account.integration_id,
        "current": manifest.header_fields | {"went_back": went_back},
        "before": before["current"] if before else None,
        # Its things count as old as the oldest of them: three lists of ages are too much for one document.
        "believed": believed and believed | {"read_at": []},
    }


def fallen_back(row: Document) -> Change:
    """What lets the manifest count again that was believed; without one the account counts as not read."""
    believed = row.get("believed")
    if believed is None:
        return Remove({"_id": row["_id"]})
    return Put(row | {"current": believed, "before": row["current"], "believed": None})


def counting_parts(decisions: Iterable[ManifestDecision]) -> list[Change]:
    """What becomes of the parts that count: they wait no longer."""
    waits_no_longer = {"$set": {"due_at": None}}
    effective = [decision.effective for decision in decisions if decision.effective]
    return [Update({"_id": part["_id"]}, waits_no_longer) for one in effective for part in one.parts]


def removed_parts(decisions: Iterable[ManifestDecision]) -> list[Change]:
    """What becomes of the parts that were overtaken, or came in vain: they go.

    Only while they still wait: another replica may have let them count since they were looked at.
    """
    return [
        Remove({"_id": part["_id"], "due_at": {"$type": "date"}})
        for decision in decisions
        for one in [*decision.overtaken, *(one for one, _ in decision.in_vain)]
        for part in one.parts
    ]


def forgotten_parts(tenant_id: str, before: Mapping[str, Document], headers: Sequence[Document]) -> list[str]:
    """The ids of the parts that headers named up to now and name no more."""
    forgotten = []
    for header in headers:
        account, kept = Ref.decode(header["ref"]), _named_parts(header)
        for revision, parts in _named_parts(before.get(header["_id"], {})).items() - kept.items():
            forgotten += [part_id(tenant_id, account, revision, number) for number in range(1, parts + 1)]
    return forgotten


def _named_parts(header: Document) -> dict[int, int]:
    """How many parts each manifest has that the header names, by its revision."""
    places = (header.get(place) for place in ("current", "before", "believed"))
    return {fields["revision"]: fields["parts"] for fields in places if fields}
