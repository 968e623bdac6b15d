import pytest
from hypothesis import given
from hypothesis import strategies as st
from observation_builders import (
    a_mapping,
    a_product,
    a_service,
    a_subscription,
    an_agreement_line,
    an_integration,
)

from billing.usage.ref import Ref, RefKind, mapped_from, mapped_to, subject_of
from shared.contracts.base import State

IDS = st.text(min_size=1, max_size=20)
THINGS = st.sampled_from([kind for kind in RefKind if kind is not RefKind.INTEGRATION])


@given(kind=THINGS, integration_id=IDS, id_=IDS)
def test_a_ref_is_read_from_its_text_as_it_was(kind: RefKind, integration_id: str, id_: str) -> None:
    ref = Ref(kind, integration_id, id_)

    assert Ref.decode(ref.encode()) == ref


@pytest.mark.parametrize(
    ("ref", "text"),
    [
        (Ref(RefKind.VENDOR_ACCOUNT, "int_1", "acme"), "v:int_1:acme"),
        (Ref(RefKind.PSA_ACCOUNT, "int_2", "co:1"), "p:int_2:co%3A1"),
        (Ref(RefKind.INTEGRATION, "int_1"), "i:int_1"),
    ],
)
def test_texts_are_those_that_documents_hold(ref: Ref, text: str) -> None:
    assert ref.encode() == text
    assert Ref.decode(text) == ref


def test_only_accounts_are_accounts() -> None:
    accounts = {kind for kind in RefKind if Ref(kind, "int_1", "x").is_account}

    assert accounts == {RefKind.VENDOR_ACCOUNT, RefKind.PSA_ACCOUNT}


@pytest.mark.parametrize(
    ("news", "subject"),
    [
        (a_subscription(), "v:int_vendor:acme"),
        (an_agreement_line(), "p:int_psa:co1"),
        (a_service(), "s:int_vendor:svc1"),
        (a_product(), "d:int_psa:prod1"),
        (a_mapping("account", "acme", "co1"), "v:int_vendor:acme"),
        (a_mapping("service", "svc1", "prod1"), "s:int_vendor:svc1"),
        (an_integration(), "i:int_vendor"),
    ],
)
def test_news_is_about_what_its_lines_are_found_by(news: State, subject: str) -> None:
    assert subject_of(news).encode() == subject


def test_a_mapping_leads_from_the_vendor_to_the_psa() -> None:
    mapping = a_mapping("service", "svc1", "prod1")

    assert mapped_from(mapping).kind is RefKind.VENDOR_SERVICE
    assert mapped_to(mapping) == Ref(RefKind.PSA_PRODUCT, "int_psa", "prod1")
    assert mapped_to(a_mapping("service", "svc1", None)) is None
