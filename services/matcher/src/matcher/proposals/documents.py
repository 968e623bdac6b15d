"""Proposals and what a pass counted as documents and back; only this knows their fields."""

from collections.abc import Mapping
from datetime import datetime

from matcher.proposals.models import StoredCounts, StoredProposals, digest_of, next_proposal_revision
from shared.contracts.base import key_of
from shared.contracts.matcher import MappingKind, MappingsProposed
from shared.mapping_counts import KindCounts
from shared.mongo import Document


def proposal_document(proposed: MappingsProposed) -> Document:
    return {
        "_id": proposed.key,
        **proposed.model_dump(mode="json"),
        "digest": digest_of(proposed),
        "is_empty": not proposed.proposals,
        "psa_items": [key_of(one.psa_integration_id, one.psa_id) for one in proposed.proposals],
        "best_per_mille": max((one.probability_per_mille for one in proposed.proposals), default=0),
    }


def proposed_from(row: Document) -> MappingsProposed:
    return MappingsProposed.model_validate(row)


def stored_from(row: Document) -> StoredProposals:
    """Returns what a row says of itself; one of before it said how likely the best is, is like no other."""
    best = row.get("best_per_mille")
    return StoredProposals(row["revision"], "" if best is None else row["digest"], row["is_empty"], best or 0)


def revised(
    stated: Mapping[str, MappingsProposed], revisions: Mapping[str, int], at: datetime
) -> list[MappingsProposed]:
    """Returns the states, each with a revision above its stored one."""
    return [
        one.model_copy(update={"revision": next_proposal_revision(revisions.get(key), at)})
        for key, one in stated.items()
    ]


def counts_document(kind: MappingKind, counts: Mapping[str, KindCounts]) -> Document:
    """Returns what the row of a pass says of counts, which are by marketplace."""
    listed = [{"integration_id": id_, **one.model_dump()} for id_, one in sorted(counts.items())]
    return {"kind": kind.value, "counts": listed}


def counts_from(row: Document) -> list[StoredCounts]:
    kind = MappingKind(row["kind"])
    return [
        StoredCounts(row["tenant_id"], kind, one["integration_id"], KindCounts.model_validate(one))
        for one in row["counts"]
    ]
