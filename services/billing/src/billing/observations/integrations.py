"""What a tenant is connected to."""

from shared.contracts.auth import IntegrationChanged
from shared.mongo import Mongo


class IntegrationDirectory:
    """As last heard from auth."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def of_tenant(self, tenant_id: str) -> list[IntegrationChanged]:
        rows = await self._mongo.documents("integrations", tenant_id).find()
        return [IntegrationChanged.model_validate(row) for row in rows]

    async def by_tenant(self) -> dict[str, set[str]]:
        """The integration ids of every tenant."""
        rows = await self._mongo.all_tenants("integrations").find(fields=["tenant_id", "integration_id"])
        found: dict[str, set[str]] = {}
        for row in rows:
            found.setdefault(row["tenant_id"], set()).add(row["integration_id"])
        return found
