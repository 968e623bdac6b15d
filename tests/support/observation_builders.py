"""Builders of the news that billing ingests: observations, mappings, integrations, ends of runs."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from shared.contracts import psa_sync, vendor_sync
from shared.contracts.auth import IntegrationChanged, IntegrationSettings, IntegrationStatus
from shared.contracts.base import NoNumber, Outcome, RunKind, Side
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, MappingMethod
from shared.contracts.run_end import RunFinished
from shared.contracts.vendor_sync import SubscriptionLine, SubscriptionObserved, SubscriptionStatus

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
TENANT, VENDOR, PSA = "t1", "int_vendor", "int_psa"
SEEN: dict[str, Any] = {"tenant_id": TENANT, "run_id": "run-1", "generation": 1, "observed_at": NOW}


def a_line(quantity: float | str | None = 5, *, service: str = "svc1", **more: Any) -> SubscriptionLine:
    missing = NoNumber.UNQUANTIFIED if quantity is None else None
    number = None if quantity is None else Decimal(str(quantity))
    known = {"unit_price": Decimal(10), "currency": "USD", "missing": missing}
    return SubscriptionLine(service_id=service, quantity=number, **(known | more))


def a_subscription(
    quantity: float | str | None = 5,
    *,
    id_: str = "sub1",
    account: str = "acme",
    service: str = "svc1",
    **more: Any,
) -> SubscriptionObserved:
    """An active subscription with one line; `lines=` or `detailed=False` for others."""
    known: dict[str, Any] = {
        **SEEN,
        "revision": 10,
        "integration_id": VENDOR,
        "subscription_id": id_,
        "account_id": account,
        "name": id_,
        "status": SubscriptionStatus.ACTIVE,
        "detailed": True,
        "lines": (a_line(quantity, service=service),),
    }
    return SubscriptionObserved(**(known | more))


def a_listed_subscription(**more: Any) -> SubscriptionObserved:
    """A subscription of which only the list row was read."""
    known: dict[str, Any] = {"detailed": False, "lines": (), "id_": "listed"}
    return a_subscription(**(known | more))


def an_agreement_line(
    quantity: float | str | None = 5, *, id_: str = "add1", account: str = "co1", **more: Any
) -> psa_sync.AgreementLineObserved:
    known: dict[str, Any] = {
        **SEEN,
        "revision": 10,
        "integration_id": PSA,
        "line_id": id_,
        "agreement_id": "agr1",
        "agreement_name": "Cloud",
        "account_id": account,
        "product_id": "prod1",
        "quantity": None if quantity is None else Decimal(str(quantity)),
        "included": Decimal(0),
        "unit_price": Decimal(20),
        "currency": "USD",
        "starts_on": date(2026, 1, 1),
        "billable": True,
    }
    return psa_sync.AgreementLineObserved(**(known | more))


def a_vendor_account(id_: str = "acme", **more: Any) -> vendor_sync.VendorAccountObserved:
    known = {**SEEN, "revision": 1, "integration_id": VENDOR, "account_id": id_, "name": f"{id_} Ltd"}
    return vendor_sync.VendorAccountObserved(**(known | {"status": "active"} | more))


def a_service(id_: str = "svc1", **more: Any) -> vendor_sync.ServiceObserved:
    known = {
        **SEEN,
        "revision": 1,
        "integration_id": VENDOR,
        "service_id": id_,
        "name": f"Service {id_}",
        "title": f"Service {id_}",
    }
    periods = {"service_key": id_, "term": "1 year", "billing_period": "1 month"}
    return vendor_sync.ServiceObserved(**(known | periods | more))


def a_psa_account(id_: str = "co1", **more: Any) -> psa_sync.PsaAccountObserved:
    known = {**SEEN, "revision": 1, "integration_id": PSA, "account_id": id_, "name": f"{id_} Inc"}
    return psa_sync.PsaAccountObserved(**(known | {"account_key": id_, "active": True} | more))


def a_product(id_: str = "prod1", **more: Any) -> psa_sync.ProductObserved:
    known = {**SEEN, "revision": 1, "integration_id": PSA, "product_id": id_, "name": f"Product {id_}"}
    return psa_sync.ProductObserved(**(known | {"product_key": f"SKU-{id_}", "active": True} | more))


def a_mapping(kind: str, vendor_id: str, psa_id: str | None, **more: Any) -> MappingDecided:
    """An approved mapping; one that excludes where no PSA id is given."""
    known: dict[str, Any] = {
        "tenant_id": TENANT,
        "revision": 1,
        "kind": MappingKind(kind),
        "vendor_provider": "ingram-micro",
        "vendor_realm": "na",
        "vendor_integration_id": VENDOR,
        "vendor_id": vendor_id,
        "psa_integration_id": PSA if psa_id else None,
        "psa_id": psa_id,
        "decision": MappingDecision.APPROVED if psa_id else MappingDecision.EXCLUDED,
        "method": MappingMethod.MANUAL,
        "decided_by": "ann",
        "decided_at": NOW,
    }
    return MappingDecided(**(known | more))


def an_integration(id_: str = VENDOR, **more: Any) -> IntegrationChanged:
    known: dict[str, Any] = {
        "tenant_id": TENANT,
        "revision": 1,
        "integration_id": id_,
        "side": Side.PSA if id_ == PSA else Side.VENDOR,
        "provider": "connectwise" if id_ == PSA else "ingram-micro",
        "realm": "na",
        "name": id_,
        "generation": 1,
        "status": IntegrationStatus.ACTIVE,
        "settings": IntegrationSettings(),
    }
    return IntegrationChanged(**(known | more))


def a_finished_run(manifests: int = 0, **more: Any) -> RunFinished:
    """The end of a run that published so many manifests."""
    known: dict[str, Any] = {
        "tenant_id": TENANT,
        "integration_id": VENDOR,
        "run_id": "run-1",
        "sync_id": "sync-1",
        "generation": 1,
        "kind": RunKind.FULL,
        "outcome": Outcome.COMPLETE,
        "first_revision": 1,
        "manifests": manifests,
        "counts": {},
        "coverage": Decimal(1),
        "started_at": NOW - timedelta(minutes=10),
        "finished_at": NOW,
    } | more
    kind = psa_sync.PsaRunFinished if known["integration_id"] == PSA else vendor_sync.VendorRunFinished
    return kind(**known)
