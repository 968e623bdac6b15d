"""What the story says about itself, for those who act it out and check the end."""

from collections.abc import Iterable
from typing import Any

from sandbox.story.builder import BuiltStory, StoryBuilder
from sandbox.story.fixtures import ACCOUNTS, OFFERS, SERVICES
from sandbox.story.scenario import SELECTED

Json = dict[str, Any]


def scenario(story: StoryBuilder) -> Json:
    """How accounts and services are mapped, and the selected parts; as seeded, whatever came later."""
    return {
        "seed": story.seed,
        "accounts": _accounts(story),
        "services": _services(story),
        "parts": {told.line.part.value: _part(told, story) for told in _selected(story.lines)},
    }


def _accounts(story: StoryBuilder) -> list[Json]:
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


def _services(story: StoryBuilder) -> list[Json]:
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


def _selected(lines: Iterable[BuiltStory]) -> list[BuiltStory]:
    return sorted(
        (told for told in lines if told.line.part in SELECTED),
        key=lambda told: SELECTED.index(told.line.part),
    )


def _part(told: BuiltStory, story: StoryBuilder) -> Json:
    """`psa_quantity` is None where several lines bill, the vendor's total where no number is known."""
    billed, bought = told.quantities.billed, told.quantities.bought
    return {
        "vendor_account_id": story.vendor.customers[told.line.account].id,
        "psa_account_id": story.psa.companies[told.line.account]["id"],
        "psa_product_id": story.psa.items[told.line.item]["id"],
        "agreement_ids": list(told.agreement_ids),
        "addition_ids": list(told.addition_ids),
        "subscription_ids": list(told.subscription_ids),
        "psa_quantity": float(billed[0]) if len(billed) == 1 else None,
        "psa_quantities": [float(seats) for seats in billed],
        "vendor_quantity_before": None if None in bought else sum(seats or 0 for seats in bought),
        "vendor_quantity": told.quantities.bought_after,
    }
