"""Loads what a tenant's account groups share: decisions on services, integrations, names."""

from collections.abc import Collection, Iterable
from typing import Protocol

from billing.observations.integrations import IntegrationDirectory
from billing.observations.repository import ALSO_BILLED_AS
from billing.usage.account_group import DisplayName, TenantContext
from billing.usage.ref import Ref, RefKind, billed_as, mapped_from
from shared.contracts.matcher import MappingDecided
from shared.mongo import Mongo

_COLLECTION_OF_NAMES = {
    RefKind.VENDOR_ACCOUNT: "vendor_accounts",
    RefKind.VENDOR_SERVICE: "vendor_services",
    RefKind.PSA_ACCOUNT: "psa_accounts",
    RefKind.PSA_PRODUCT: "products",
}


class DoubtedRuns(Protocol):
    """Knows the runs whose numbers do not count; see `billing.feeds`."""

    async def doubted(self, tenant_id: str) -> Collection[tuple[str, str]]: ...


class TenantContextLoader:
    """Reads each collection once, whatever the number of account groups."""

    def __init__(self, mongo: Mongo, runs: DoubtedRuns) -> None:
        self._mongo, self._integrations, self._runs = mongo, IntegrationDirectory(mongo), runs

    async def load(
        self, tenant_id: str, refs: set[Ref], *, proposed: MappingDecided | None = None
    ) -> TenantContext:
        """What is known of these accounts, services and products.

        Included are the products that the services map to, and all other services that map to these products:
        a sum is made of whatever is mapped to its product. With a mapping proposed, it is what would be known
        if that one had been decided.
        """
        services = {ref for ref in refs if ref.kind is RefKind.VENDOR_SERVICE}
        own = await self._mappings(tenant_id, "ref", services)
        products = {ref for ref in refs if ref.kind is RefKind.PSA_PRODUCT}
        products |= {product for mapping in own for product in billed_as(mapping)}
        products |= {*billed_as(proposed)} if proposed else set()
        by_service = {mapped_from(mapping): mapping for mapping in own}
        for field in ("mapped_to", ALSO_BILLED_AS):
            for mapping in await self._mappings(tenant_id, field, products):
                by_service[mapped_from(mapping)] = mapping
        if proposed:
            by_service[mapped_from(proposed)] = proposed
        return TenantContext.of(
            by_service.values(),
            await self._integrations.of_tenant(tenant_id),
            await self._names(tenant_id, refs | products | by_service.keys()),
            await self._runs.doubted(tenant_id),
        )

    async def _mappings(self, tenant_id: str, field: str, refs: Iterable[Ref]) -> list[MappingDecided]:
        texts = [ref.encode() for ref in refs]
        rows = await self._mongo.documents("mappings", tenant_id).find_in(field, texts)
        return [MappingDecided.model_validate(row) for row in rows]

    async def _names(self, tenant_id: str, refs: Collection[Ref]) -> dict[Ref, DisplayName]:
        names: dict[Ref, DisplayName] = {}
        for kind, collection in _COLLECTION_OF_NAMES.items():
            texts = {ref.encode(): ref for ref in refs if ref.kind is kind}
            rows = self._mongo.documents(collection, tenant_id)
            for row in await rows.find_in("ref", texts, fields=("ref", "name", "title", "product_key")):
                # A service has a title for people beside the vendor's name; a product has the key it is
                # searched by.
                names[texts[row["ref"]]] = DisplayName(
                    row.get("title") or row["name"], row.get("product_key")
                )
        return names
