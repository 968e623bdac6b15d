"""What was known when: every version of the things that a line rests on."""

from collections.abc import Iterable

from billing.observations.repository import HISTORY, history_id
from billing.observations.version import ObservedVersion
from billing.usage.usage_line import UsageLine
from shared.contracts.base import key_of
from shared.mongo import Document, Mongo

_OURS = ("_id", "key", "ref", "before", "moved_from", "mapped_to", "product_ref", "learnt_at", "tenant_id")


class HistoryRepository:
    """Reads what stands together with what it replaced."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def of_line(self, line: UsageLine) -> list[ObservedVersion]:
        """Every version of the line's subscriptions, agreement lines and mappings, in the order learnt."""
        items = [(item.integration_id, item.subscription_id) for item in line.evidence.items]
        billed = [(one.integration_id, one.line_id) for one in line.evidence.billed]
        keys = {
            "subscriptions": {key_of(line.tenant_id, *place) for place in items},
            "agreement_lines": {key_of(line.tenant_id, *place) for place in billed},
            "mappings": {used.key for used in line.evidence.mappings},
        }
        found = [
            version for name, some in keys.items() for version in await self._of(line.tenant_id, name, some)
        ]
        return sorted(found, key=lambda version: (version.learnt_at, version.key, version.revision))

    async def _of(self, tenant_id: str, name: str, keys: Iterable[str]) -> list[ObservedVersion]:
        wanted = sorted(keys)
        stands = await self._mongo.documents(name, tenant_id).get_many(wanted)
        history = self._mongo.documents(HISTORY, tenant_id)
        found = [_version(name, row) for row in stands.values()]
        for key in wanted:
            first = history_id(name, key)
            found += [_version(name, row) for row in await history.find({"_id": _beginning_with(first)})]
        return found


def _beginning_with(first: str) -> Document:
    return {"$gte": first, "$lt": first + "\uffff"}


def _version(name: str, row: Document) -> ObservedVersion:
    key = row.get("key") or row["_id"]
    told = {field: value for field, value in row.items() if field not in _OURS}
    seen_at = told.get("observed_at") or told.get("decided_at")
    return ObservedVersion(
        kind=name, key=key, revision=row["revision"], true_at=seen_at, learnt_at=row["learnt_at"], told=told
    )
