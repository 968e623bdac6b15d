"""What was known when: every version of the things that a line rests on."""

# A thing's newest version is in the collection of its kind, every older one in `observations` (see
# `ObservationRepository`). The ids of a thing's old versions begin alike, so a range of ids finds them.

from typing import Any

from pydantic import AwareDatetime

from billing.observations.repository import ALSO_BILLED_AS, HISTORY, history_id
from billing.usage.usage_line import UsageLine
from shared.contracts.base import ContractModel, key_of
from shared.mongo import Document, Mongo

_OWN_FIELDS = (
    "_id",
    "key",
    "ref",
    "before",
    "moved_from",
    "mapped_to",
    ALSO_BILLED_AS,
    "product_ref",
    "learnt_at",
    "tenant_id",
)
"""What billing adds to a message when it stores it."""


class ObservedVersion(ContractModel):
    """One version of something that was observed or decided."""

    kind: str
    key: str
    revision: int
    true_at: AwareDatetime | None
    """When it was read at the provider, or decided; None for what has no such time."""
    learnt_at: AwareDatetime
    told: dict[str, Any]
    """The message's own fields."""


class HistoryRepository:
    """Reads what stands together with what it replaced."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def of_line(self, line: UsageLine) -> list[ObservedVersion]:
        """Every version of the subscriptions that the line shows, its agreement lines and its mappings.

        They come in the order learnt.
        """
        items, billed, mappings = line.evidence.items, line.evidence.billed, line.evidence.mappings
        tenant_id = line.tenant_id
        keys = {
            "subscriptions": {key_of(tenant_id, item.integration_id, item.subscription_id) for item in items},
            "agreement_lines": {key_of(tenant_id, one.integration_id, one.line_id) for one in billed},
            "mappings": {mapping.key for mapping in mappings},
        }
        versions: list[ObservedVersion] = []
        for name, of_kind in keys.items():
            versions += await self._versions(tenant_id, name, sorted(of_kind))
        return sorted(versions, key=lambda version: (version.learnt_at, version.key, version.revision))

    async def _versions(self, tenant_id: str, name: str, keys: list[str]) -> list[ObservedVersion]:
        rows = list((await self._mongo.documents(name, tenant_id).get_many(keys)).values())
        history = self._mongo.documents(HISTORY, tenant_id)
        for key in keys:
            first = history_id(name, key)
            rows += await history.find({"_id": {"$gte": first, "$lt": first + "\uffff"}})
        return [_version(name, row) for row in rows]


def _version(name: str, row: Document) -> ObservedVersion:
    message = {field: value for field, value in row.items() if field not in _OWN_FIELDS}
    return ObservedVersion(
        kind=name,
        key=row.get("key") or row["_id"],
        revision=row["revision"],
        true_at=message.get("observed_at") or message.get("decided_at"),
        learnt_at=row["learnt_at"],
        told=message,
    )
