"""The rule of exact matching, without a store."""

from collections.abc import Sequence

import pytest
from catalogue_builders import a_product, a_psa_account, a_service, a_vendor_account

from matcher.catalogue.ingestor import ItemObserved, item_of
from matcher.catalogue.items import Item
from matcher.proposals.label_pairs import exact_target, psa_groups, vendor_groups


def test_the_only_one_of_its_name_on_both_sides_is_mapped() -> None:
    found = target_of(a_vendor_account("1", "Contoso"), psa=[a_psa_account("9", "Contoso")])

    assert found == "9"


@pytest.mark.parametrize("name", ["contoso", "Contoso ", "Contoso, Inc.", "Cöntoso", ""])
def test_nothing_in_a_name_is_ignored(name: str) -> None:
    assert target_of(a_vendor_account("1", "Contoso"), psa=[a_psa_account("9", name)]) is None


@pytest.mark.parametrize("text", [" ", "-", "..."])
def test_a_text_without_a_letter_or_digit_is_no_label(text: str) -> None:
    assert target_of(a_vendor_account("1", text), psa=[a_psa_account("9", text)]) is None


def test_a_name_that_two_psa_accounts_share_is_not_mapped() -> None:
    namesakes = [a_psa_account("8", "Contoso"), a_psa_account("9", "Contoso")]

    assert target_of(a_vendor_account("1", "Contoso"), psa=namesakes) is None


def test_a_name_that_two_vendor_accounts_share_is_not_mapped() -> None:
    other = a_vendor_account("2", "Contoso")

    found = target_of(a_vendor_account("1", "Contoso"), other, psa=[a_psa_account("9", "Contoso")])

    assert found is None


def test_two_marketplaces_may_know_the_same_customer() -> None:
    other = a_vendor_account("1", "Contoso", integration_id="int_other")

    found = target_of(a_vendor_account("1", "Contoso"), other, psa=[a_psa_account("9", "Contoso")])

    assert found == "9"


def test_the_same_name_in_two_psas_is_not_mapped() -> None:
    twice = [a_psa_account("9", "Contoso"), a_psa_account("9", "Contoso", integration_id="int_other")]

    assert target_of(a_vendor_account("1", "Contoso"), psa=twice) is None


@pytest.mark.parametrize("absence", [{"active": False}, {"present": False}], ids=str)
def test_what_is_inactive_or_gone_in_the_psa_does_not_count(absence: dict[str, bool]) -> None:
    namesakes = [a_psa_account("8", "Contoso", **absence), a_psa_account("9", "Contoso")]

    assert target_of(a_vendor_account("1", "Contoso"), psa=namesakes) == "9"


def test_a_cancelled_vendor_account_is_not_mapped_and_does_not_count() -> None:
    cancelled = a_vendor_account("2", "Contoso", status="cancelled")
    psa = [a_psa_account("9", "Contoso")]

    assert target_of(cancelled, psa=psa) is None
    assert target_of(a_vendor_account("1", "Contoso"), cancelled, psa=psa) == "9"


def test_nameless_accounts_are_not_alike() -> None:
    assert target_of(a_vendor_account("1", ""), psa=[a_psa_account("9", "")]) is None


def test_an_accounts_external_id_is_no_part_number() -> None:
    account = a_vendor_account("1", "Contoso").model_copy(update={"external_id": "C9"})

    assert target_of(account, psa=[a_psa_account("9", "Fabrikam")]) is None


def test_a_part_number_comes_before_a_name() -> None:
    products = [a_product("8", "Mail", "OTHER"), a_product("9", "Post", "MPN-1")]

    assert target_of(a_service("1", "Mail", "MPN-1"), psa=products) == "9"


def test_without_its_part_number_among_the_product_ids_a_service_goes_by_its_name() -> None:
    products = [a_product("8", "Mail", "OTHER"), a_product("9", "Post", "THIRD")]

    assert target_of(a_service("1", "Mail", "MPN-1"), psa=products) == "8"


YEARLY = a_service("2", "Mail, yearly", "MPN-1", term="1 year")


def test_a_product_id_that_says_another_term_is_another_product() -> None:
    monthly, yearly = a_product("8", "Mail", "MAIL-1M-M"), a_product("8", "Mail", "MAIL-1Y-M")

    assert target_of(a_service("1", "Mail", term="1 year"), psa=[monthly]) is None
    assert target_of(a_service("1", "Mail", term="1 year"), psa=[yearly]) == "8"


def test_two_terms_of_one_part_number_are_told_apart_by_name_alone() -> None:
    monthly, yearly = a_service("1", "Mail, monthly", "MPN-1"), YEARLY
    products = [a_product("8", "Mail, yearly", "MPN-1"), a_product("9", "Post", "X")]

    assert target_of(monthly, yearly, psa=products) is None
    assert target_of(yearly, monthly, psa=products) == "8"


def test_empty_product_ids_are_not_alike() -> None:
    assert target_of(a_service("1", "Mail", ""), psa=[a_product("9", "Post", "")]) is None


def target_of(item: ItemObserved, *others: ItemObserved, psa: Sequence[ItemObserved]) -> str | None:
    items: list[Item] = [item_of(observed) for observed in (item, *others)]
    found = exact_target(items[0], vendor_groups(items), psa_groups(item_of(observed) for observed in psa))
    return found.id if found else None
