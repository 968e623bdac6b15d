"""What a tenant is connected to, as auth last said."""

from shared.contracts.auth import IntegrationChanged
from shared.mongo import Mongo

_COLLECTION = "integrations"


class Integrations:
    """Reads what `repository.observed` stored."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def of_tenant(self, tenant_id: str) -> list[IntegrationChanged]:
        rows = await self._mongo.documents(_COLLECTION, tenant_id).find(sort=[("_id", 1)])
        return [IntegrationChanged.model_validate(row) for row in rows]
