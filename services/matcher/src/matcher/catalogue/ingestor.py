"""Stores what was observed, and enqueues it to be matched."""

# Invariant: what is stored is matched. An item is stored first and enqueued after; killed in between, the
# service is given the same message again, stores nothing new, and enqueues all the same. Were the order
# reversed, a unit of work could complete the entry before the item is there:
#
#   store a (revision 2)   killed   again: store a (nothing newer)   enqueue a   → a is matched

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from matcher.catalogue.evidence import evidence_of
from matcher.catalogue.inventory import inventories_of
from matcher.catalogue.items import IntegrationInfo, Item, ItemKind
from matcher.catalogue.ports import Catalogue
from shared.contracts import psa_sync, vendor_sync
from shared.contracts.auth import IntegrationChanged
from shared.contracts.base import utc
from shared.contracts.run_end import RunFinished
from shared.runtime.clock import Clock, utc_now

log = structlog.get_logger()

ItemObserved = (
    vendor_sync.VendorAccountObserved
    | vendor_sync.ServiceObserved
    | psa_sync.PsaAccountObserved
    | psa_sync.ProductObserved
)

_CANCELLED = "cancelled"
"""The marketplace's word for a customer whose contract ended (SimpleAPI 1.15, customer `status`)."""


class ItemIngestor:
    """Takes observations, news of integrations and ends of runs from Kafka into the catalogue."""

    def __init__(self, catalogue: Catalogue, wake: Callable[[], None], clock: Clock = utc_now) -> None:
        """`wake` starts the matching job at once instead of at its next look."""
        self._catalogue, self._wake, self._clock = catalogue, wake, clock

    async def ingest_items(self, observations: Sequence[ItemObserved]) -> None:
        """Stores the observed items and enqueues them in the lane of their kind."""
        heard_at = utc(self._clock())
        items = [replace(item_of(observation), first_seen_at=heard_at) for observation in observations]
        await self._catalogue.store_newer_items(items)
        keys_by_lane: dict[tuple[str, ItemKind], set[str]] = defaultdict(set)
        for item in items:
            keys_by_lane[item.tenant_id, item.kind].add(item.key)
        for (tenant_id, kind), keys in keys_by_lane.items():
            await self._catalogue.enqueue(tenant_id, kind, keys)
        self._wake()

    async def ingest_integrations(self, changes: Sequence[IntegrationChanged]) -> None:
        """Stores the integrations and enqueues all they have: nothing is mapped before its realm is known."""
        integrations = [_integration_of(change) for change in changes]
        await self._catalogue.store_newer_integrations(integrations)
        for integration in integrations:
            for kind in ItemKind:
                if kind.side is integration.side:
                    lane = kind.integration_lane
                    await self._catalogue.enqueue(integration.tenant_id, lane, [integration.integration_id])
        self._wake()

    async def ingest_runs(self, ended: Sequence[RunFinished]) -> None:
        """Stores what complete runs say there is; the job `matching` finds out when all of it is stored."""
        heard_at = utc(self._clock())
        for finished in ended:
            inventories = inventories_of(finished, heard_at)
            if not inventories:
                log.info(
                    "run_without_inventory",
                    run_id=finished.run_id,
                    integration_id=finished.integration_id,
                    outcome=finished.outcome,
                    reason=finished.reason,
                )
            await self._catalogue.store_newer_inventories(inventories)
        self._wake()


def item_of(observed: ItemObserved) -> Item:
    """Returns the item as an observation shows it."""
    match observed:
        case vendor_sync.VendorAccountObserved():
            return _vendor_account(observed)
        case vendor_sync.ServiceObserved():
            return _vendor_service(observed)
        case psa_sync.PsaAccountObserved():
            return _psa_account(observed)
        case psa_sync.ProductObserved():
            return _psa_product(observed)


def _vendor_account(observed: vendor_sync.VendorAccountObserved) -> Item:
    return Item(
        kind=ItemKind.VENDOR_ACCOUNTS,
        tenant_id=observed.tenant_id,
        integration_id=observed.integration_id,
        id=observed.account_id,
        name=observed.name,
        revision=observed.revision,
        code=observed.external_id,
        present=observed.present,
        usable=observed.present and observed.status != _CANCELLED,
        facts={"external_id": observed.external_id, "status": observed.status},
        evidence=evidence_of(observed),
    )


def _vendor_service(observed: vendor_sync.ServiceObserved) -> Item:
    return Item(
        kind=ItemKind.VENDOR_SERVICES,
        tenant_id=observed.tenant_id,
        integration_id=observed.integration_id,
        id=observed.service_id,
        name=observed.name,
        revision=observed.revision,
        code=observed.mpn,
        present=observed.present,
        usable=observed.present,
        facts={
            "service_key": observed.service_key,
            "title": observed.title,
            "vendor": observed.vendor,
            "mpn": observed.mpn,
            "term": observed.term,
            "billing_period": observed.billing_period,
        },
        evidence=evidence_of(observed),
    )


def _psa_account(observed: psa_sync.PsaAccountObserved) -> Item:
    return Item(
        kind=ItemKind.PSA_ACCOUNTS,
        tenant_id=observed.tenant_id,
        integration_id=observed.integration_id,
        id=observed.account_id,
        name=observed.name,
        revision=observed.revision,
        code=observed.account_key,
        present=observed.present,
        usable=observed.present and observed.active,
        facts={"account_key": observed.account_key},
        evidence=evidence_of(observed),
    )


def _psa_product(observed: psa_sync.ProductObserved) -> Item:
    return Item(
        kind=ItemKind.PSA_PRODUCTS,
        tenant_id=observed.tenant_id,
        integration_id=observed.integration_id,
        id=observed.product_id,
        name=observed.name,
        revision=observed.revision,
        code=observed.product_key,
        present=observed.present,
        usable=observed.present and observed.active,
        facts={"product_key": observed.product_key},
        evidence=evidence_of(observed),
    )


def _integration_of(change: IntegrationChanged) -> IntegrationInfo:
    return IntegrationInfo(
        tenant_id=change.tenant_id,
        integration_id=change.integration_id,
        side=change.side,
        provider=change.provider,
        realm=change.realm,
        name=change.name,
        status=change.status,
        generation=change.generation,
        revision=change.revision,
    )
