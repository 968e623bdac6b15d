"""Which PSA items are proposed for a vendor item, and how surely."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.proposals.engine import Proposal, propose_accounts, propose_services
from matcher.proposals.records import AccountRecord, ServiceRecord


def accounts(prefix: str, names: Sequence[str]) -> list[AccountRecord]:
    return [AccountRecord(f"{prefix}{number}", name) for number, name in enumerate(names)]


def proposed(vendor: str, *psa: str) -> list[Proposal]:
    return propose_accounts(accounts("v", [vendor]), accounts("p", psa))["v0"]


@pytest.mark.parametrize(
    ("vendor", "psa"),
    [
        ("Contoso Dental", "Contoso Dental Care LLC"),
        ("Nordwind Traders GmbH", "Nordwind Traders"),
        ("International Business Machines", "IBM"),
        ("Jones & Partners", "Jones and Partners Ltd"),
        ("Müller Maschinenbau", "Mueller Maschinenbau GmbH"),
        ("Contoso Plumbing", "Contoso Plumbnig"),
        ("ContosoDental", "Contoso Dental"),
    ],
)
def test_what_is_called_alike_is_proposed_first(vendor: str, psa: str) -> None:
    best, *_ = proposed(vendor, psa, "Fabrikam Robotics", "Alpine Ski House")
    assert best.psa_id == "p0"
    assert best.probability > 0.75


@pytest.mark.parametrize(
    ("vendor", "psa"),
    [
        ("Smith Plumbing", "Smith Painting"),
        ("Contoso Northern", "Contoso Southern"),
        ("Contoso Holdings", "Contoso Properties"),
        ("Fabrikam Robotics", "Alpine Ski House"),
    ],
)
def test_a_near_twin_is_no_confident_proposal(vendor: str, psa: str) -> None:
    assert all(proposal.probability < 0.5 for proposal in proposed(vendor, psa))


def test_of_two_branches_the_one_of_the_same_town_is_meant() -> None:
    vendor = [AccountRecord("v0", "Contoso Dental", town="Leeds", country="GB")]
    psa = [
        AccountRecord("p0", "Contoso Dental", town="York", postcode="YO1 7HH", country="GB"),
        AccountRecord("p1", "Contoso Dental", town="Leeds", postcode="LS1 4AP", country="GB"),
    ]
    assert propose_accounts(vendor, psa)["v0"][0].psa_id == "p1"


def test_a_common_tax_id_tells_a_renamed_firm() -> None:
    vendor = [AccountRecord("v0", "Contoso Dental", tax_id="DE123456789", domains=("contoso.com",))]
    psa = [
        AccountRecord("p0", "Contoso Denture Lab"),
        AccountRecord("p1", "Fabrikam Ventures", tax_id="DE 123 456 789", domains=("contoso.com",)),
    ]
    shown = {proposal.psa_id: proposal.probability for proposal in propose_accounts(vendor, psa)["v0"]}
    assert shown["p1"] > shown.get("p0", 0)


def test_whoever_another_is_called_by_exactly_is_hardly_proposed_to_a_third() -> None:
    vendor = accounts("v", ["Contoso Dental", "Contoso Dental Supplies"])
    found = propose_accounts(vendor, accounts("p", ["Contoso Dental"]))
    assert found["v0"][0].probability > 0.9
    assert all(proposal.probability < 0.5 for proposal in found["v1"])


def test_two_accounts_of_one_customer_are_no_rivals() -> None:
    vendor = accounts("v", ["Contoso Dental Supply", "Contoso Dental Supply Ltd"])
    found = propose_accounts(vendor, accounts("p", ["Contoso Dental Supply, Inc.", "Fabrikam"]))
    assert [one[0].psa_id for one in found.values()] == ["p0", "p0"]
    assert all(one[0].probability > 0.9 for one in found.values())


def test_at_most_five_are_proposed_and_their_probabilities_are_those_of_one_choice() -> None:
    found = proposed(
        "Contoso",
        *(f"Contoso {trade}" for trade in ("Dental", "Law", "Foods", "Tools", "Media", "Bau", "Inc")),
    )
    assert len(found) <= 5
    assert sum(proposal.probability for proposal in found) <= 1 + 1e-9
    assert [proposal.probability for proposal in found] == sorted(
        (one.probability for one in found), reverse=True
    )


def test_empty_lists_have_no_proposals() -> None:
    assert propose_accounts([], accounts("p", ["Contoso"])) == {}
    assert propose_accounts(accounts("v", ["Contoso"]), []) == {"v0": []}


ODD_NAMES = (
    "",
    " ",
    "A",
    "x" * 5000,
    "שלום בעמ",
    "🦷🦷",
    "\x00\x1b",
    "'; DROP TABLE",
    "(.*)+[",
    "株式会社",
    "None",
)


@pytest.mark.parametrize("odd", ODD_NAMES)
def test_an_odd_name_disturbs_nobody(odd: str) -> None:
    found = propose_accounts(
        accounts("v", [odd, "Contoso Dental"]), accounts("p", ["Contoso Dental LLC", odd])
    )
    assert found["v1"][0].psa_id == "p0"


names = st.lists(
    st.sampled_from(
        ("Contoso", "Contoso Ltd", "Contoso Leeds", "Smith Plumbing", "Smith Painting", "Unit 1", "")
    ),
    max_size=6,
)


@given(names, names, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_lists_does_not_matter(vendor: list[str], psa: list[str], random: Random) -> None:
    ours, theirs = accounts("v", vendor), accounts("p", psa)
    expected = propose_accounts(ours, theirs)
    random.shuffle(ours)
    random.shuffle(theirs)
    assert propose_accounts(ours, theirs) == expected


def service(
    name: str, term: str = "1 year", billing: str = "1 month", mpn: str | None = None
) -> ServiceRecord:
    return ServiceRecord("v0", name, mpn, vendor="Microsoft", term=term, billing_period=billing)


def products(*texts: tuple[str, str]) -> list[ServiceRecord]:
    return [
        ServiceRecord(f"p{number}", text, code, is_code_text=True)
        for number, (code, text) in enumerate(texts)
    ]


def test_the_product_of_the_same_term_is_proposed() -> None:
    found = propose_services(
        [service("Microsoft 365 Business Premium")],
        products(
            ("M365-BP-1M-M", "M365 Business Premium monthly"),
            ("M365-BP-1Y-M", "M365 Business Premium"),
            ("M365-BS-1Y-M", "M365 Business Standard"),
        ),
    )["v0"]
    assert found[0].psa_id == "p1"
    assert found[0].probability > 0.9


def test_another_edition_is_no_confident_proposal() -> None:
    found = propose_services(
        [service("Microsoft Entra ID P1")], products(("AAD-P2", "Entra ID P2, annual, billed monthly"))
    )
    assert all(proposal.probability < 0.5 for proposal in found["v0"])


def test_the_part_number_as_product_id_tells_the_product() -> None:
    found = propose_services(
        [service("Microsoft 365 E3", mpn="CFQ7TTC0LFLX:0001")],
        products(("CFQ7TTC0LFLX-0001", "E3 suite"), ("M365E5", "Microsoft 365 E5")),
    )["v0"]
    assert found[0].psa_id == "p0"
