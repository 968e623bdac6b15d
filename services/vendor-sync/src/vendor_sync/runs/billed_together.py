"""Remembers which services are mapped to one PSA product: their numbers are billed as one sum."""

# A sum is true at an instant at which all of its parts were as they are said to be. So when one service of an
# account is read again because it changed, those that are added up with it are read again, too, or nobody
# could say that seats did not move from the one to the other in between:
#
#   svc1 (annual), svc2 (monthly) → product 41     svc1 of acme changed → both of acme are read again

from collections import defaultdict
from collections.abc import Iterable, Mapping

from shared.contracts.base import key_of
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind
from shared.mongo import Document, Mongo
from shared.sync_engine.models import Run

_COLLECTION = "service_products"

Together = Mapping[str, frozenset[str]]
"""The services that are billed together with a service, itself among them; one that is alone is left out."""


class BilledTogether:
    """Keeps the product that each service is mapped to, by the newest decision."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def note(self, decisions: Iterable[MappingDecided]) -> None:
        """Stores decisions on services, forward-only; those on accounts are passed over."""
        rows: defaultdict[str, list[Document]] = defaultdict(list)
        for decided in decisions:
            if decided.kind is MappingKind.SERVICE:
                rows[decided.tenant_id].append(_document(decided))
        for tenant_id, of_tenant in rows.items():
            await self._mongo.documents(_COLLECTION, tenant_id).upsert_newer(of_tenant)

    async def of_integration(self, run: Run) -> Together:
        """Returns the services of the run's integration that share a product with another one."""
        rows = await self._mongo.documents(_COLLECTION, run.tenant_id).find(
            {"integration_id": run.integration_id, "product": {"$ne": None}}
        )
        of_product: defaultdict[str, set[str]] = defaultdict(set)
        for row in rows:
            of_product[row["product"]].add(row["service_id"])
        return {
            service_id: frozenset(services)
            for services in of_product.values()
            if len(services) > 1
            for service_id in services
        }


def _document(decided: MappingDecided) -> Document:
    is_mapped = decided.decision is MappingDecision.APPROVED and decided.psa_integration_id and decided.psa_id
    product = key_of(decided.psa_integration_id or "", decided.psa_id or "") if is_mapped else None
    return {
        "_id": key_of(decided.tenant_id, decided.vendor_integration_id, decided.vendor_id),
        "integration_id": decided.vendor_integration_id,
        "service_id": decided.vendor_id,
        "product": product,
        "revision": decided.revision,
    }
