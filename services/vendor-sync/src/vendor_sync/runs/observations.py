"""Translates what was read into the words of the contract; pure."""

from collections.abc import Mapping
from typing import Any

from shared.contracts.base import NoNumber, service_id_of
from shared.contracts.vendor_sync import (
    ServiceObserved,
    SubscriptionLine,
    SubscriptionObserved,
    VendorAccountObserved,
)
from shared.sync_engine.stamp import Stamp
from vendor_sync.marketplace import Customer, SubscriptionRow
from vendor_sync.runs.offers import SoldLine, SoldService


def account_observed(account: Customer, stamp: Stamp) -> VendorAccountObserved:
    return VendorAccountObserved(
        **stamp.fields,
        account_id=account.account_id,
        name=account.name,
        external_id=account.external_id,
        status=account.status,
        tax_id=account.tax_id,
        domains=account.domains,
        town=account.town,
        postcode=account.postcode,
        country=account.country,
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


def unread_subscription_observed(row: SubscriptionRow, stamp: Stamp) -> SubscriptionObserved:
    """Observes a subscription of which only the list row was read: its quantities are unread."""
    return SubscriptionObserved(**stamp.fields, **_row_fields(row), detailed=False)


def subscription_observed(
    row: SubscriptionRow, lines: tuple[SoldLine, ...], stamp: Stamp
) -> SubscriptionObserved:
    sold_lines = tuple(_line(line, stamp.integration_id) for line in lines)
    return SubscriptionObserved(**stamp.fields, **_row_fields(row), detailed=True, lines=sold_lines)


def _row_fields(row: SubscriptionRow) -> Mapping[str, Any]:
    return {
        "subscription_id": row.subscription_id,
        "account_id": row.account_id,
        "name": row.name,
        "status": row.status,
        "created_on": row.created_on,
        "renews_on": row.renews_on,
        "expires_on": row.expires_on,
    }


def _line(line: SoldLine, integration_id: str) -> SubscriptionLine:
    return SubscriptionLine(
        service_id=service_id_of(integration_id, line.service.key),
        quantity=line.quantity,
        missing=NoNumber.UNQUANTIFIED if line.reason else None,
        reason=line.reason,
        unit_cost=line.unit_cost,
        unit_price=line.unit_price,
        currency=line.currency,
    )
