"""Keeping what was observed, and noting that matching must look at it."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from matcher.catalogue.items import IntegrationInfo, Item, ItemKind, MatchWork
from matcher.mappings.ports import MatcherStore
from shared.contracts import psa_sync, vendor_sync
from shared.contracts.auth import IntegrationChanged

Observed = (
    vendor_sync.VendorAccountObserved
    | vendor_sync.ServiceObserved
    | psa_sync.PsaAccountObserved
    | psa_sync.ProductObserved
)


class ItemIngestor:
    """Rows first, then marks: what is delivered again after a crash in between is marked then."""

    def __init__(self, store: MatcherStore, wake: Callable[[], None]) -> None:
        self._store, self._wake = store, wake

    async def items(self, seen: Sequence[Observed]) -> None:
        items = [item_of(event) for event in seen]
        await self._store.forward(items)
        keys: dict[tuple[str, ItemKind], set[str]] = defaultdict(set)
        for item in items:
            keys[item.tenant_id, item.shelf].add(item.key)
        for (tenant_id, shelf), touched in keys.items():
            await self._store.add_marks(tenant_id, [MatchWork(shelf, tuple(sorted(touched)))])
        self._wake()

    async def integrations(self, changed: Sequence[IntegrationChanged]) -> None:
        """All items are looked at again: before this nobody could tell whose they are."""
        integrations = [_integration(event) for event in changed]
        await self._store.forward_integrations(integrations)
        # Also when nothing changed: after a crash in between, only the repetition brings the marks.
        for one in integrations:
            shelves = [shelf for shelf in ItemKind if shelf.side is one.side]
            marks = [MatchWork(shelf, integration_id=one.integration_id) for shelf in shelves]
            await self._store.add_marks(one.tenant_id, marks)
        self._wake()


def item_of(seen: Observed) -> Item:
    """The item that an observation tells of."""
    match seen:
        case vendor_sync.VendorAccountObserved():
            return _vendor_account(seen)
        case vendor_sync.ServiceObserved():
            return _vendor_service(seen)
        case psa_sync.PsaAccountObserved():
            return _psa_account(seen)
        case psa_sync.ProductObserved():
            return _psa_product(seen)


def _vendor_account(seen: vendor_sync.VendorAccountObserved) -> Item:
    return Item(
        shelf=ItemKind.VENDOR_ACCOUNTS,
        tenant_id=seen.tenant_id,
        integration_id=seen.integration_id,
        id=seen.account_id,
        name=seen.name,
        revision=seen.revision,
        code=seen.external_id,
        present=seen.present,
        usable=seen.present and seen.status != _CANCELLED,
        facts={"external_id": seen.external_id, "status": seen.status},
    )


def _vendor_service(seen: vendor_sync.ServiceObserved) -> Item:
    return Item(
        shelf=ItemKind.VENDOR_SERVICES,
        tenant_id=seen.tenant_id,
        integration_id=seen.integration_id,
        id=seen.service_id,
        name=seen.name,
        revision=seen.revision,
        code=seen.mpn,
        present=seen.present,
        usable=seen.present,
        facts={
            "service_key": seen.service_key,
            "title": seen.title,
            "vendor": seen.vendor,
            "mpn": seen.mpn,
            "term": seen.term,
            "billing_period": seen.billing_period,
        },
    )


def _psa_account(seen: psa_sync.PsaAccountObserved) -> Item:
    return Item(
        shelf=ItemKind.PSA_ACCOUNTS,
        tenant_id=seen.tenant_id,
        integration_id=seen.integration_id,
        id=seen.account_id,
        name=seen.name,
        revision=seen.revision,
        code=seen.account_key,
        present=seen.present,
        usable=seen.present and seen.active,
        facts={"account_key": seen.account_key},
    )


def _psa_product(seen: psa_sync.ProductObserved) -> Item:
    return Item(
        shelf=ItemKind.PSA_PRODUCTS,
        tenant_id=seen.tenant_id,
        integration_id=seen.integration_id,
        id=seen.product_id,
        name=seen.name,
        revision=seen.revision,
        code=seen.product_key,
        present=seen.present,
        usable=seen.present and seen.active,
        facts={"product_key": seen.product_key},
    )


def _integration(seen: IntegrationChanged) -> IntegrationInfo:
    return IntegrationInfo(
        tenant_id=seen.tenant_id,
        integration_id=seen.integration_id,
        side=seen.side,
        provider=seen.provider,
        realm=seen.realm,
        name=seen.name,
        status=seen.status,
        generation=seen.generation,
        revision=seen.revision,
    )


_CANCELLED = "cancelled"
"""The marketplace's word for a customer that is gone (SimpleAPI 1.15, customer `status`)."""
