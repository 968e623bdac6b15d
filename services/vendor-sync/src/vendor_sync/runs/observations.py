"""What was read, in the words of the contract."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.contracts.base import service_id_of
from shared.contracts.vendor_sync import (
    ServiceObserved,
    SubscriptionLine,
    SubscriptionObserved,
    VendorAccountObserved,
)
from vendor_sync.marketplace import Customer, SubscriptionRow
from vendor_sync.runs.offers import SoldLine, SoldService


@dataclass(frozen=True, slots=True)
class Stamp:
    """By which run, and when, something was read; the revision was taken before the read."""

    tenant_id: str
    integration_id: str
    run_id: str
    generation: int
    revision: int
    observed_at: datetime

    @property
    def fields(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def account_observed(account: Customer, stamp: Stamp) -> VendorAccountObserved:
    return VendorAccountObserved(
        **stamp.fields,
        account_id=account.account_id,
        name=account.name,
        external_id=account.external_id,
        status=account.status,
    )


def service_observed(service: SoldService, stamp: Stamp) -> ServiceObserved:
    return ServiceObserved(
        **stamp.fields,
        service_id=service_id_of(stamp.integration_id, service.key),
        service_key=service.key,
        name=service.name,
        title=service.title,
        vendor=service.vendor,
        mpn=service.mpn,
        term=service.term,
        billing_period=service.billing_period,
    )


def listed(row: SubscriptionRow, stamp: Stamp) -> SubscriptionObserved:
    """A subscription of which only the list row was read: its quantities are unread."""
    return SubscriptionObserved(**stamp.fields, **_told(row), detailed=False)


def detailed(row: SubscriptionRow, lines: tuple[SoldLine, ...], stamp: Stamp) -> SubscriptionObserved:
    sold = tuple(_sold(line, stamp.integration_id) for line in lines)
    return SubscriptionObserved(**stamp.fields, **_told(row), detailed=True, lines=sold)


def gone(before: SubscriptionObserved, stamp: Stamp) -> SubscriptionObserved:
    """No longer there; what it held last stays to be seen."""
    # Billing needs them as evidence of what an absent count was.
    return before.model_copy(update={**stamp.fields, "present": False})


def account_gone(before: VendorAccountObserved, stamp: Stamp) -> VendorAccountObserved:
    return before.model_copy(update={**stamp.fields, "present": False})


def _told(row: SubscriptionRow) -> Mapping[str, Any]:
    return {
        "subscription_id": row.subscription_id,
        "account_id": row.account_id,
        "name": row.name,
        "status": row.status,
        "created_on": row.created_on,
        "renews_on": row.renews_on,
        "expires_on": row.expires_on,
    }


def _sold(line: SoldLine, integration_id: str) -> SubscriptionLine:
    return SubscriptionLine(
        service_id=service_id_of(integration_id, line.service.key),
        quantity=line.quantity,
        missing=line.missing,
        unit_cost=line.unit_cost,
        unit_price=line.unit_price,
        currency=line.currency,
    )
