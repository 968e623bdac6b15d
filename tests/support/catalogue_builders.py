"""Accounts, services, products and integrations as matcher receives them."""

from datetime import UTC, datetime
from typing import Any

from shared.contracts import psa_sync, vendor_sync
from shared.contracts.auth import IntegrationChanged, IntegrationStatus
from shared.contracts.base import Side

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
VENDOR, PSA = "int_vendor", "int_psa"


def an_integration(
    integration_id: str = VENDOR,
    side: Side = Side.VENDOR,
    *,
    status: IntegrationStatus = IntegrationStatus.PENDING,
    tenant_id: str = "demo",
    revision: int = 1,
) -> IntegrationChanged:
    return IntegrationChanged(
        tenant_id=tenant_id,
        revision=revision,
        integration_id=integration_id,
        side=side,
        provider="ingram-micro" if side is Side.VENDOR else "connectwise",
        realm=f"realm of {integration_id}",
        name=integration_id,
        generation=1,
        status=status,
    )


def a_psa(integration_id: str = PSA, **more: Any) -> IntegrationChanged:
    return an_integration(integration_id, Side.PSA, **more)


def a_vendor_account(id_: str, name: str, **more: Any) -> vendor_sync.VendorAccountObserved:
    common = _common_fields(VENDOR, more)
    return vendor_sync.VendorAccountObserved(
        account_id=id_, name=name, status=more.pop("status", "active"), **common
    )


def a_psa_account(id_: str, name: str, **more: Any) -> psa_sync.PsaAccountObserved:
    common = _common_fields(PSA, more)
    active = more.pop("active", True)
    return psa_sync.PsaAccountObserved(
        account_id=id_, account_key=f"C{id_}", name=name, active=active, **common
    )


def a_service(id_: str, name: str, mpn: str | None = None, **more: Any) -> vendor_sync.ServiceObserved:
    return vendor_sync.ServiceObserved(
        service_id=id_,
        service_key=f"acme|{mpn}|1 month|1 month",
        name=name,
        title=f"{name} – 1 Month",
        vendor="Acme",
        mpn=mpn,
        term=more.pop("term", "1 month"),
        billing_period="1 month",
        **_common_fields(VENDOR, more),
    )


def a_product(id_: str, name: str, product_key: str = "", **more: Any) -> psa_sync.ProductObserved:
    common = _common_fields(PSA, more)
    active = more.pop("active", True)
    return psa_sync.ProductObserved(
        product_id=id_, product_key=product_key, name=name, active=active, **common
    )


def _common_fields(integration_id: str, more: dict[str, Any]) -> dict[str, Any]:
    return {
        "tenant_id": more.pop("tenant_id", "demo"),
        "revision": more.pop("revision", 1),
        "integration_id": more.pop("integration_id", integration_id),
        "run_id": "run_1",
        "generation": 1,
        "observed_at": NOW,
        "present": more.pop("present", True),
    }
