"""What helps to recognise an item is stored with it, read back, and shown; it maps nothing by itself."""

from typing import Any

import pytest
from catalogue_builders import a_product, a_psa, a_psa_account, a_service, a_vendor_account, an_integration
from matcher_http import MatcherClient
from matcher_world import MatcherWorld

from matcher.catalogue.documents import item_document, item_from
from matcher.catalogue.evidence import AccountEvidence, OfferingEvidence
from matcher.catalogue.ingestor import ItemObserved, item_of
from shared.contracts.auth import IntegrationStatus
from shared.contracts.matcher import MappingDecided

CONNECTED = (an_integration(), a_psa())
ACCOUNT = {
    "tax_id": "GB123456789",
    "domains": ("contoso.com", "contoso.org"),
    "town": "Leeds",
    "postcode": "LS1 4AP",
    "country": "GB",
}
COMPANY = {**ACCOUNT, "status": "Delinquent", "types": ("Client", "Vendor")}
SERVICE = {"family": "Microsoft 365", "plan": "Business Basic", "edition": "New commerce"}
PRODUCT = {
    "description": "Mail, files and meetings",
    "manufacturer_part_number": "CFQ7TTC0LH18:0001",
    "vendor": "Microsoft",
    "category": "Software",
    "product_class": "Agreement",
}


def with_evidence(observed: ItemObserved, evidence: dict[str, Any]) -> Any:
    return observed.model_copy(update=evidence)


def items() -> list[ItemObserved]:
    return [
        with_evidence(a_vendor_account("1", "Contoso"), ACCOUNT),
        with_evidence(a_psa_account("9", "Contoso Ltd"), COMPANY),
        with_evidence(a_service("s1", "Mail", "MPN-1"), SERVICE),
        with_evidence(a_product("p1", "Post"), PRODUCT),
    ]


def test_each_kind_of_item_has_the_evidence_that_its_observation_tells() -> None:
    account, company, service, product = (item_of(observed).evidence for observed in items())

    assert account == AccountEvidence(**ACCOUNT, status="active")  # type: ignore[arg-type]
    assert company == AccountEvidence(**COMPANY)  # type: ignore[arg-type]
    assert service == OfferingEvidence(
        manufacturer_part_number="MPN-1", vendor="Acme", term="1 month", billing_period="1 month", **SERVICE
    )
    assert product == OfferingEvidence(**PRODUCT)


@pytest.mark.parametrize("observed", items(), ids=lambda observed: type(observed).__name__)
def test_what_was_stored_is_read_back_as_it_was(observed: ItemObserved) -> None:
    item = item_of(observed)

    assert item_from(item.kind, item_document(item)) == item


@pytest.mark.parametrize("observed", items(), ids=lambda observed: type(observed).__name__)
def test_a_document_of_an_older_release_has_no_evidence(observed: ItemObserved) -> None:
    item = item_of(observed)
    document = item_document(item)
    del document["evidence"]

    assert item_from(item.kind, document).evidence is None


def test_a_field_of_a_later_release_is_left_aside() -> None:
    item = item_of(a_vendor_account("1", "Contoso"))
    document = item_document(item)
    document["evidence"]["favourite_colour"] = "blue"

    assert item_from(item.kind, document) == item


async def test_evidence_is_shown_in_every_list(matcher: MatcherClient) -> None:
    await matcher.world.receive(*CONNECTED, *items())

    (account,) = (await matcher.get("/accounts", side="vendor"))["accounts"]
    (company,) = (await matcher.get("/accounts", side="psa"))["accounts"]
    (service,) = (await matcher.get("/services"))["services"]
    (product,) = (await matcher.get("/products"))["products"]

    for shown, evidence in ((account, ACCOUNT), (company, COMPANY), (service, SERVICE), (product, PRODUCT)):
        assert {name: shown[name] for name in evidence} == as_json(evidence)
    assert (account["status"], service["vendor"], service["mpn"]) == ("active", "Acme", "MPN-1")


async def test_items_without_evidence_are_shown_without_it(matcher: MatcherClient) -> None:
    await matcher.world.receive(*CONNECTED, a_vendor_account("1", "Contoso"), a_product("p1", "Post"))

    (account,) = (await matcher.get("/accounts", side="vendor"))["accounts"]
    (product,) = (await matcher.get("/products"))["products"]

    assert (account["domains"], account["tax_id"], account["town"]) == ([], None, None)
    assert (product["description"], product["vendor"]) == (None, None)


async def test_equal_evidence_maps_nothing_by_itself(world: MatcherWorld) -> None:
    await world.receive(*CONNECTED, *items())

    assert await world.mapped() == {}


async def test_evidence_that_changes_leaves_an_exact_mapping_as_it_is(world: MatcherWorld) -> None:
    await world.receive(*CONNECTED, a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso"))
    before = await world.published()

    await world.receive(with_evidence(a_vendor_account("1", "Contoso", revision=2), {"town": "Leeds"}))
    await world.receive(with_evidence(a_psa_account("9", "Contoso", revision=2), {"town": "York"}))

    assert await world.published() == before
    assert await world.mapped() == {"1": "9"}


@pytest.mark.parametrize("psa_first", [False, True])
async def test_equal_names_of_two_countries_are_not_mapped_whenever_that_is_learnt(
    world: MatcherWorld, *, psa_first: bool
) -> None:
    await world.receive(*CONNECTED, a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso"))
    news = [
        with_evidence(a_vendor_account("1", "Contoso", revision=2), {"country": "GB"}),
        with_evidence(a_psa_account("9", "Contoso", revision=2), {"country": "US"}),
    ]

    for observed in reversed(news) if psa_first else news:
        await world.receive(observed)

    assert await world.mapped() == {}
    *_, revoked = await world.published()
    assert isinstance(revoked, MappingDecided)
    assert revoked.reason == "not the same by what both sides say: country GB beside US"


async def test_once_a_person_has_finished_a_contradiction_takes_no_mapping_back(world: MatcherWorld) -> None:
    await world.receive(*CONNECTED, a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso"))
    await world.receive(an_integration(status=IntegrationStatus.ACTIVE, revision=2))

    await world.receive(with_evidence(a_vendor_account("1", "Contoso", revision=2), {"country": "GB"}))
    await world.receive(with_evidence(a_psa_account("9", "Contoso", revision=2), {"country": "US"}))

    assert await world.mapped() == {"1": "9"}


def as_json(evidence: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in evidence.items()}
