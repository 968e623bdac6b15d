"""Reads what tenants are connected to, by the newest news of auth."""

from collections import defaultdict

from shared.contracts.auth import IntegrationChanged
from shared.mongo import Mongo


class IntegrationDirectory:
    """Finds integrations by tenant."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def of_tenant(self, tenant_id: str) -> list[IntegrationChanged]:
        rows = await self._mongo.documents("integrations", tenant_id).find()
        return [IntegrationChanged.model_validate(row) for row in rows]

    async def generations(self, tenant_id: str) -> dict[str, int]:
        """The newest generation of each integration that is known."""
        return {one.integration_id: one.generation for one in await self.of_tenant(tenant_id)}

    async def by_tenant(self) -> dict[str, set[str]]:
        """The integration ids of every tenant, for jobs that serve them all."""
        rows = await self._mongo.all_tenants("integrations").find(fields=["tenant_id", "integration_id"])
        ids: defaultdict[str, set[str]] = defaultdict(set)
        for row in rows:
            ids[row["tenant_id"]].add(row["integration_id"])
        return ids
