"""What both sides know of a company besides its name: mostly the same, in each provider's own shape."""

from typing import Any

from sandboxes import MovableClock, Sandbox

from sandbox.settings import Settings
from sandbox.story.directory import COUNTRIES, Directory
from sandbox.world import World, make_world

KEYS = [f"company {number}" for number in range(1_000)]


def a_world(seed: int = 7, subscriptions: int = 0) -> World:
    return make_world(Settings(port=8090, seed=seed, subscriptions=subscriptions), MovableClock())


def shares_of(values: list[bool]) -> float:
    return sum(values) / len(values)


def test_a_company_is_described_alike_whatever_was_asked_before() -> None:
    one, other = Directory(7), Directory(7)
    for key in KEYS:
        other.customer(key, "other.example")

    assert one.company("alpine", "a.example") == other.company("alpine", "a.example")
    assert one.company("alpine", "a.example") != Directory(8).company("alpine", "a.example")


def test_both_sides_mostly_agree_and_sometimes_differ() -> None:
    directory = Directory(7)
    pairs = [(directory.customer(key, "a.example"), directory.company(key, "a.example")) for key in KEYS]

    same_town = shares_of([customer.city == company.city for customer, company in pairs])
    numbers = [
        (customer.tax_reg_id.replace("-", ""), company.tax_identifier)
        for customer, company in pairs
        if customer.tax_reg_id and company.tax_identifier
    ]
    assert 0.9 < same_town < 1
    assert numbers
    assert all(of_customer == of_company for of_customer, of_company in numbers)


def test_some_of_it_is_missing_on_either_side() -> None:
    directory = Directory(7)
    customers = [directory.customer(key, "a.example") for key in KEYS]
    companies = [directory.company(key, "a.example") for key in KEYS]

    shares = [
        shares_of([customer.tax_reg_id is None for customer in customers]),
        shares_of([customer.email == "robin@gmail.com" for customer in customers]),
        shares_of([company.website is None for company in companies]),
        shares_of([company.tax_identifier is None for company in companies]),
        shares_of([company.country is None for company in companies]),
    ]

    assert all(0.1 < share < 0.6 for share in shares)


async def test_a_customer_is_shown_with_its_address_and_a_contact(sandbox: Sandbox) -> None:
    rows = (await sandbox.ingram.get("customers?limit=500")).json()["data"]

    for row in rows:
        assert row["address"].keys() == {"streetAddress", "postalCode", "city", "countryCode"}
        assert row["address"]["countryCode"] in COUNTRIES
        assert [contact["email"].partition("@")[0] for contact in row["contactPersons"]] == ["robin"]
    assert 0 < len([row for row in rows if "taxRegId" in row]) < len(rows)


async def test_companies_are_shown_and_found_by_what_was_typed_in(sandbox: Sandbox) -> None:
    companies = (await sandbox.connectwise.get("company/companies")).json()
    with_site = next(row for row in companies if "website" in row)

    found = await sandbox.connectwise.get(
        "company/companies", params={"conditions": f'website = "{with_site["website"]}"'}
    )

    assert [row["id"] for row in found.json()] == [with_site["id"]]
    assert all({"city", "zip", "addressLine1"} <= row.keys() for row in companies)


def test_products_name_their_maker_where_somebody_typed_it_in() -> None:
    products: dict[str, Any] = {row["identifier"]: row for row in a_world().psa.products}

    assert products["M365-BP"]["manufacturer"]["name"] == "Microsoft"
    assert products["M365-BP"]["manufacturerPartNumber"] == "CFQ7TTC0LCHC:0002"
    assert "manufacturer" not in products["RMM-SEAT"]


def test_generated_customers_are_described_as_well() -> None:
    world = a_world(subscriptions=80)

    generated = [one for one in world.marketplace.customers.values() if "0000" in one.name]
    domains = {one.details.email.partition("@")[2] for one in generated}
    assert len(generated) == 10
    assert len(domains) > 5
