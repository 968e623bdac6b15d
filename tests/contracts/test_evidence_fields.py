"""Mere evidence makes no message unreadable, and no address of a person gets through."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from shared.contracts import MESSAGES, Observation
from shared.contracts.evidence_fields import (
    CountryCode,
    Description,
    Domains,
    EvidenceText,
    EvidenceWords,
    TaxId,
)

OBSERVATIONS = [message for message in MESSAGES if issubclass(message, Observation)]
ODD: list[Any] = [None, 7, True, 1.5, [], {}, "", "a\x00", "\ud83d", "robin@contoso.com", "x" * 5_000]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: ascii(odd)[:20])
@pytest.mark.parametrize(
    "field",
    [EvidenceText, Description, TaxId, CountryCode],
    ids=["text", "description", "tax id", "country"],
)
def test_a_text_in_no_form_of_its_field_is_left_out(field: Any, odd: Any) -> None:
    assert TypeAdapter(field).validate_python(odd) is None


@pytest.mark.parametrize("field", [Domains, EvidenceWords], ids=["domains", "words"])
@pytest.mark.parametrize(
    "odd", [None, 7, "contoso.com", {}, [7, None, "a@contoso.com", "x" * 5_000]], ids=ascii
)
def test_of_a_list_whatever_is_in_no_form_is_left_out(field: Any, odd: Any) -> None:
    assert TypeAdapter(field).validate_python(odd) == ()


@pytest.mark.parametrize("message", OBSERVATIONS, ids=lambda message: message.topic)
def test_evidence_may_be_missing_from_any_message(message: type[Observation]) -> None:
    """A message of an older release has none."""
    assert message.evidence_fields <= message.model_fields.keys()
    assert not [name for name in message.evidence_fields if message.model_fields[name].is_required()]
    assert not message.evidence_fields & {*message.key_fields, "name", "present", "revision"}


def test_what_has_the_form_stays_as_it_is() -> None:
    assert TypeAdapter(Domains).validate_python(["contoso.com", "Fabrikam.com", "contoso.com"]) == (
        "contoso.com",
    )
    assert TypeAdapter(EvidenceWords).validate_python(("Client", "Vendor")) == ("Client", "Vendor")
    assert TypeAdapter(TaxId).validate_python("GB123456789") == "GB123456789"
    assert TypeAdapter(CountryCode).validate_python("GB") == "GB"
    assert len(TypeAdapter(Domains).validate_python([f"d{n}.example" for n in range(99)])) == 10
