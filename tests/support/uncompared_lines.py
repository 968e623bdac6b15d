"""Usage lines as billing states them, for matcher."""

from typing import Any

from catalogue_builders import NOW, VENDOR

from matcher.uncompared_usage.ingestor import UsageIngestor
from matcher.uncompared_usage.repository import MongoUncomparedUsage
from shared.contracts.billing import Count, LineClass, MoneyEffect, UsageLineChanged
from shared.mongo import Mongo


def a_usage_line(
    id_: str,
    account: str = "1",
    service: str = "s1",
    *,
    seats: str | None = "3",
    worth: str = "",
    **more: Any,
) -> UsageLineChanged:
    """Return a line without a target; `worth` is as "60 USD", and empty for no estimate."""
    amount, _, currency = worth.partition(" ")
    fields: dict[str, Any] = {
        "tenant_id": "demo",
        "revision": 1,
        "line_id": id_,
        "vendor_integration_id": VENDOR,
        "vendor_account_id": account,
        "service_id": service,
        "vendor_count": Count.model_validate({"number": seats}),
        "psa_count": Count(),
        "line_class": LineClass.UNMAPPED,
        "money": MoneyEffect.model_validate(
            {"amount": amount, "currency": currency} if worth else {"unknown_because": "no price"}
        ),
        "changed_at": NOW,
    }
    return UsageLineChanged(**fields | more)


def with_target(line: UsageLineChanged, **more: Any) -> UsageLineChanged:
    """Return the line as one that is compared."""
    target = {"psa_integration_id": "int_psa", "psa_account_id": "9", "psa_product_id": "p1"}
    return line.model_copy(update=target | {"line_class": LineClass.IN_STEP} | more)


async def state_lines(mongo: Mongo, *lines: UsageLineChanged) -> None:
    await UsageIngestor(MongoUncomparedUsage(mongo)).ingest(lines)
