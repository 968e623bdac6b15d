"""Computes the counts of both sides from the sandbox's state, independently of the product's code."""

# A target is a company and a product.  Its vendor side is every billable subscription that the scenario maps
# to it; its PSA side is every agreement line that is billable and open today.  The two are compared only
# where both are certain:  [10, 4] bought and [14.0] billed agree, [10, 4] and [13.0] differ, while [10, None]
# or two billed lines have no verdict and are left out.

from collections import defaultdict
from typing import Any

from sandbox.connectwise.psa import render_addition
from sandbox.ingram.records import subscription_detail
from sandbox.story.script import describe
from sandbox.world import World

Json = dict[str, Any]
Target = tuple[int, int]
"""Ids of the company and of the product."""


def vendor_quantities(world: World) -> dict[Target, list[int | None]]:
    """Return each target's quantities at the vendor, one for each billable subscription, None without one."""
    described = describe(world.story)
    accounts = {account["vendor_id"]: account["psa_id"] for account in described["accounts"]}
    services = {
        (service["mpn"] or service["name"], service["term"]): service["psa_product_id"]
        for service in described["services"]
    }
    quantities: dict[Target, list[int | None]] = defaultdict(list)
    for detail in map(subscription_detail, world.marketplace.subscriptions.values()):
        if detail["status"] in ("active", "hold"):
            term = f"{detail['subscriptionPeriod']['duration']} {detail['subscriptionPeriod']['type']}"
            product = (
                detail["products"][0] if "products" in detail else {"mpn": detail["name"], "quantity": None}
            )
            target = accounts[detail["customerId"]], services[product["mpn"], term]
            quantities[target].append(product["quantity"])
    return quantities


def psa_quantities(world: World) -> dict[Target, list[float]]:
    """Return each target's billed quantities, one for each agreement line that is billable and open today."""
    quantities: dict[Target, list[float]] = defaultdict(list)
    for line in (render_addition(row, world.psa) for row in world.psa.additions):
        agreement = world.psa.agreements.get(line["agreementId"]) or {}
        if _is_open(line, f"{world.today}T00:00:00Z"):
            quantities[agreement["company"]["id"], line["product"]["id"]].append(line["quantity"])
    return quantities


def differing_targets(world: World) -> set[Target]:
    """Return the targets whose one billed quantity is not the vendor's sum; uncertain ones are left out."""
    bought, billed = vendor_quantities(world), psa_quantities(world)
    return {
        target
        for target in bought.keys() | billed.keys()
        if len(billed[target]) == 1
        and None not in bought[target]
        and target_sum(bought[target]) != billed[target][0]
    }


def target_sum(numbers: list[int | None]) -> int:
    return sum(number for number in numbers if number is not None)


def _is_open(line: Json, today: str) -> bool:
    ends = line.get("cancelledDate")
    running = line["effectiveDate"] <= today and (ends is None or ends > today)
    return bool(running and line["billCustomer"] == "Billable" and line["agreementStatus"] == "Active")
