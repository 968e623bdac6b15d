"""What a tenant is connected to."""

from shared.contracts.auth import IntegrationChanged
from shared.mongo import Mongo


class Integrations:
    """As last heard from auth."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def of_tenant(self, tenant_id: str) -> list[IntegrationChanged]:
        rows = await self._mongo.documents("integrations", tenant_id).find()
        return [IntegrationChanged.model_validate(row) for row in rows]
