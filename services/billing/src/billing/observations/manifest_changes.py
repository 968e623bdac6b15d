"""What applying manifests changes in the store: headers, and the parts that nothing names any more."""

from collections.abc import Iterable, Mapping, Sequence

from billing.observations.manifest_parts import ReceivedManifest
from billing.observations.manifests import ManifestDecision
from billing.usage.manifest_reader import part_id
from billing.usage.ref import Ref
from shared.mongo import Change, Document, Put, Remove, Update


def header(id_: str, manifest: ReceivedManifest, before: Document | None) -> Document:
    """The header by which a manifest counts; what counted before stays beside it."""
    return {
        "_id": id_,
        "ref": manifest.account.encode(),
        "integration_id": manifest.account.integration_id,
        "current": manifest.header_fields,
        "before": before["current"] if before else None,
    }


def fallen_back(row: Document) -> Change:
    """What lets the manifest before count again; without one the account counts as not read."""
    if row["before"] is None:
        return Remove({"_id": row["_id"]})
    return Put(row | {"current": row["before"], "before": None})


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
        former = before[header["_id"]]["before"] if header["_id"] in before else None
        if former:
            account = Ref.decode(header["ref"])
            numbers = range(1, former["parts"] + 1)
            forgotten += [part_id(tenant_id, account, former["revision"], number) for number in numbers]
    return forgotten
