"""What applying manifests changes in the store: headers, and the parts that nothing names any more."""

from collections.abc import Collection, Iterable, Mapping

from billing.observations.manifest_parts import ReceivedManifest
from billing.observations.manifests import ManifestDecision
from billing.usage.manifest_reader import believed_fields, named_parts, part_id
from billing.usage.ref import Ref
from shared.mongo import Document


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


def fallen_back(row: Document) -> Document | None:
    """The header by which the manifest counts again that was believed; None without one."""
    believed = row.get("believed")
    if believed is None:
        return None
    return row | {"current": believed, "before": row["current"], "believed": None}


def removed_parts(decisions: Iterable[ManifestDecision]) -> list[str]:
    """The ids of the parts that were overtaken, or came in vain: they go."""
    return [
        part["_id"]
        for decision in decisions
        for one in [*decision.overtaken, *(one for one, _ in decision.in_vain)]
        for part in one.parts
    ]


def forgotten_parts(
    tenant_id: str, before: Mapping[str, Document], after: Mapping[str, Document]
) -> list[str]:
    """The ids of the parts that headers (by id) named up to now and name no more, or are gone with them."""
    forgotten = []
    for id_, header in before.items():
        account, kept = Ref.decode(header["ref"]), named_parts(after.get(id_, {}))
        for revision, parts in named_parts(header).items() - kept.items():
            forgotten += [part_id(tenant_id, account, revision, number) for number in range(1, parts + 1)]
    return forgotten
