"""Loads what a tenant's scopes share: decisions on services, integrations, coverage, names."""

from collections.abc import Iterable

from billing.observations.integrations import IntegrationDirectory
from billing.usage import refs
from billing.usage.account_group import DisplayName, TenantContext, by_product
from billing.usage.coverage_repository import CoverageRepository
from shared.contracts.matcher import MappingDecided
from shared.mongo import Mongo

_NAMES = {"v": "vendor_accounts", "s": "vendor_services", "p": "psa_accounts", "d": "products"}
_FIELDS = ("ref", "name", "title", "product_key")


class TenantContextLoader:
    """One read of each collection, whatever the number of scopes."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._coverages, self._integrations = CoverageRepository(mongo), IntegrationDirectory(mongo)

    async def of(self, tenant_id: str, named: set[str]) -> TenantContext:
        """All that is known of what these refs name, and of the products that their services map to."""
        services = {ref for ref in named if ref.startswith("s:")}
        first = await self._mappings(tenant_id, "ref", services)
        products = {ref for ref in named if ref.startswith("d:")} | _products(first.values())
        others = await self._mappings(tenant_id, "mapped_to", products)
        known = first | others
        return TenantContext(
            known,
            by_product(known.values()),
            {one.integration_id: one for one in await self._integrations.of_tenant(tenant_id)},
            await self._coverages.of_tenant(tenant_id),
            await self._names(tenant_id, named | products | known.keys()),
        )

    async def _mappings(self, tenant_id: str, field: str, refs_: Iterable[str]) -> dict[str, MappingDecided]:
        rows = await self._mongo.documents("mappings", tenant_id).find_in(field, refs_)
        return {row["ref"]: MappingDecided.model_validate(row) for row in rows}

    async def _names(self, tenant_id: str, wanted: set[str]) -> dict[str, DisplayName]:
        names: dict[str, DisplayName] = {}
        for kind, collection in _NAMES.items():
            mine = [ref for ref in wanted if ref.startswith(f"{kind}:")]
            rows = self._mongo.documents(collection, tenant_id)
            for row in await rows.find_in("ref", mine, fields=_FIELDS):
                names[row["ref"]] = DisplayName(row.get("title") or row["name"], row.get("product_key"))
        return names


def _products(mappings: Iterable[MappingDecided]) -> set[str]:
    return {ref for ref in map(refs.mapped_to, mappings) if ref}
