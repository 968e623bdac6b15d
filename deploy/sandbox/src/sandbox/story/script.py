"""Describes the story to demonstrations and tests: how it is mapped, and which lines they act on."""

from typing import Any

from sandbox.story.builder import BuiltLine, BuiltStory
from sandbox.story.fixtures import ACCOUNTS, OFFERS, SERVICES
from sandbox.story.scenario import SELECTED

Json = dict[str, Any]


def describe(story: BuiltStory) -> Json:
    """Return how accounts and services are mapped, and the selected parts, as they were seeded.

    Later changes do not show: a demonstration needs to know what it was given, not what has become of it.
    """
    selected = sorted(
        (built for built in story.lines if built.line.part in SELECTED),
        key=lambda built: SELECTED.index(built.line.part),
    )
    return {
        "seed": story.seed,
        "accounts": _accounts(story),
        "services": _services(story),
        "parts": {built.line.part.value: _part(built, story) for built in selected},
    }


def _accounts(story: BuiltStory) -> list[Json]:
    return [
        {
            "vendor_id": story.vendor.customers[key].id,
            "vendor_name": account.name,
            "psa_id": story.psa.companies[account.company]["id"] if account.company else None,
            "psa_name": story.psa.companies[account.company]["name"] if account.company else None,
            "how": account.how,
        }
        for key, account in ACCOUNTS.items()
    ]


def _services(story: BuiltStory) -> list[Json]:
    return [
        {
            "name": OFFERS[service.offer].name,
            "vendor": OFFERS[service.offer].vendor,
            "mpn": OFFERS[service.offer].mpn,
            "term": str(OFFERS[service.offer].term),
            "billing_period": str(OFFERS[service.offer].billing),
            "psa_product_id": story.psa.items[service.item]["id"] if service.item else None,
            "psa_product_key": story.psa.items[service.item]["identifier"] if service.item else None,
            "how": service.how,
        }
        for service in SERVICES
    ]


def _part(built: BuiltLine, story: BuiltStory) -> Json:
    billed, bought = built.quantities.billed, built.quantities.bought
    return {
        "vendor_account_id": story.vendor.customers[built.line.account].id,
        "psa_account_id": story.psa.companies[built.line.account]["id"],
        "psa_product_id": story.psa.items[built.line.item]["id"],
        "agreement_ids": list(built.agreement_ids),
        "addition_ids": list(built.addition_ids),
        "subscription_ids": list(built.subscription_ids),
        # None where several lines bill: there is no one number then.
        "psa_quantity": float(billed[0]) if len(billed) == 1 else None,
        "psa_quantities": [float(seats) for seats in billed],
        # None where a subscription has no quantity: the sum is unknown, not smaller.
        "vendor_quantity_before": None if None in bought else sum(seats or 0 for seats in bought),
        "vendor_quantity": built.quantities.bought_after,
    }
