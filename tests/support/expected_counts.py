"""An independent reckoning of the sandbox's two sides, from what they show and how the story maps them."""

from collections import defaultdict
from typing import Any

from sandbox.connectwise.psa import shown_addition
from sandbox.ingram.records import subscription_detail
from sandbox.story.script import scenario
from sandbox.world import World

Json = dict[str, Any]
Target = tuple[int, int]
"""Company and product."""


def bought(world: World) -> dict[Target, list[int | None]]:
    """What every target has at the vendor: a number for each billable subscription, None without quantity."""
    told = scenario(world.story)
    accounts = {account["vendor_id"]: account["psa_id"] for account in told["accounts"]}
    services = {(one["mpn"] or one["name"], one["term"]): one["psa_product_id"] for one in told["services"]}
    found: dict[Target, list[int | None]] = defaultdict(list)
    for detail in map(subscription_detail, world.marketplace.subscriptions.values()):
        if detail["status"] in ("active", "hold"):
            term = f"{detail['subscriptionPeriod']['duration']} {detail['subscriptionPeriod']['type']}"
            product = (
                detail["products"][0] if "products" in detail else {"mpn": detail["name"], "quantity": None}
            )
            found[accounts[detail["customerId"]], services[product["mpn"], term]].append(product["quantity"])
    return found


def billed(world: World) -> dict[Target, list[float]]:
    """What every target is billed: one number for each line that is billable and open today."""
    found: dict[Target, list[float]] = defaultdict(list)
    for line in (shown_addition(row, world.psa) for row in world.psa.additions):
        agreement = world.psa.agreements.get(line["agreementId"]) or {}
        if _is_open(line, f"{world.today}T00:00:00Z"):
            found[agreement["company"]["id"], line["product"]["id"]].append(line["quantity"])
    return found


def differing(world: World) -> set[Target]:
    """Targets whose one line says another number than the vendor's sum; those without a verdict left out."""
    have, pay = bought(world), billed(world)
    return {
        target
        for target in have.keys() | pay.keys()
        if len(pay[target]) == 1 and None not in have[target] and target_sum(have[target]) != pay[target][0]
    }


def target_sum(numbers: list[int | None]) -> int:
    return sum(number for number in numbers if number is not None)


def _is_open(line: Json, today: str) -> bool:
    ends = line.get("cancelledDate")
    running = line["effectiveDate"] <= today and (ends is None or ends > today)
    return bool(running and line["billCustomer"] == "Billable" and line["agreementStatus"] == "Active")
