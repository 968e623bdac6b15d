"""Why an item is proposed, in words."""

from matcher.proposals.engine import propose_accounts, propose_services
from matcher.proposals.records import AccountRecord, ServiceRecord


def said(vendor: AccountRecord, psa: AccountRecord) -> tuple[set[str], set[str]]:
    """Returns what speaks for the only proposal, and what against it."""
    (proposal,) = propose_accounts([vendor], [psa], explained=True)[vendor.id]
    return (
        {reason.words for reason in proposal.reasons if reason.speaks_for},
        {reason.words for reason in proposal.reasons if not reason.speaks_for},
    )


def test_evidence_and_what_is_left_over_are_named() -> None:
    vendor = AccountRecord("v", "Contoso Dental", domains=("contoso.com",), town="Leeds")
    psa = AccountRecord("p", "Contoso Dental Care LLC", domains=("contoso.com",), town="York")
    speaks_for, against = said(vendor, psa)
    assert "same domain contoso.com" in speaks_for
    assert {"‘care’ only in the PSA's name", "town Leeds beside York"} <= against


def test_the_words_that_tell_near_twins_apart_are_named() -> None:
    speaks_for, against = said(AccountRecord("v", "Smith Plumbing"), AccountRecord("p", "Smith Painting"))
    assert speaks_for == {"both names have ‘smith’"}
    assert against == {"‘plumbing’ beside ‘painting’"}


def test_a_slip_is_named_as_it_is_written() -> None:
    speaks_for, _ = said(AccountRecord("v", "Fabrikam Holdings"), AccountRecord("p", "Fabricam Holdings"))
    assert "‘fabrikam’ beside ‘fabricam’" in speaks_for
    assert "both names have ‘holdings’" in speaks_for


def test_initials_are_named_as_such() -> None:
    speaks_for, _ = said(AccountRecord("v", "IBM"), AccountRecord("p", "International Business Machines"))
    assert "one name is the initials of the other" in speaks_for


def test_reasons_are_given_only_when_they_are_asked_for() -> None:
    found = propose_accounts([AccountRecord("v", "Contoso")], [AccountRecord("p", "Contoso Ltd")])
    assert found["v"][0].reasons == ()


def test_a_service_says_term_and_edition() -> None:
    service = ServiceRecord(
        "v", "Microsoft 365 E3", vendor="Microsoft", term="1 year", billing_period="1 month"
    )
    product = ServiceRecord("p", "M365 E5, annual, billed monthly", "M365-E5", is_code_text=True)
    (proposal,) = propose_services([service], [product], explained=True)["v"]
    assert {"‘e3’ beside ‘e5’"} == {one.words for one in proposal.reasons if not one.speaks_for}
    assert "same term 1 year" in {one.words for one in proposal.reasons if one.speaks_for}
