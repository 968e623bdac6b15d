import pytest
from pydantic import ValidationError

from auth.people.requests import SignInRequest
from shared.limits import Limit, hits
from shared.limits.messages import ID_CHARACTERS
from shared.limits.people import EMAIL_CHARACTERS, PASSWORD_CHARACTERS, TENANT_ID_CHARACTERS
from shared.limits.sign_in import CLAIM_CHARACTERS, DEVICE_TOKEN_CHARACTERS

BODY = {"email": "ann@x.example", "password": "right"}
LIMITS = {
    "email": EMAIL_CHARACTERS,
    "password": PASSWORD_CHARACTERS,
    "tenant_id": TENANT_ID_CHARACTERS,
    "device_token": DEVICE_TOKEN_CHARACTERS,
}


@pytest.mark.parametrize(("field", "limit"), LIMITS.items())
def test_a_field_is_as_long_as_its_limit_and_no_longer(field: str, limit: Limit) -> None:
    SignInRequest.model_validate(BODY | {field: "x" * limit.most})
    before = hits().get(limit.name, 0)

    with pytest.raises(ValidationError) as raised:
        SignInRequest.model_validate(BODY | {field: "x" * (limit.most + 1)})

    assert raised.value.errors()[0]["loc"] == (field,)
    assert hits()[limit.name] == before + 1


@pytest.mark.parametrize("field", ["email", "tenant_id"])
def test_what_is_looked_up_is_plain_text(field: str) -> None:
    with pytest.raises(ValidationError):
        SignInRequest.model_validate(BODY | {field: "a\x00b"})


def test_who_signs_in_to_a_tenant_may_name_any_that_a_token_or_a_message_names() -> None:
    assert TENANT_ID_CHARACTERS.most == CLAIM_CHARACTERS.most == ID_CHARACTERS.most
