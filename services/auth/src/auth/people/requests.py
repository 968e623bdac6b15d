"""What a person posts to sign in."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from shared.limits.people import PASSWORD_CHARACTERS, TENANT_ID_CHARACTERS
from shared.limits.sign_in import DEVICE_TOKEN_CHARACTERS
from shared.plain_text import PlainText, counted
from shared.web.requests import Email


def _encodable(password: SecretStr) -> SecretStr:
    # JSON can spell half of a surrogate pair, which has no UTF-8 to hash. Pydantic refuses one in a `str` by
    # itself, and takes it in a secret.
    try:
        password.get_secret_value().encode()
    except UnicodeEncodeError:
        raise ValueError("must be text that UTF-8 can write: it has half of a surrogate pair") from None
    return password


class SignInRequest(BaseModel):
    """An e-mail address and a password; `tenant_id` is needed only by people of several tenants."""

    # The lengths are bounded, for whoever is not signed in chooses how much there is to hash and to remember.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    email: Email
    password: Annotated[
        SecretStr,
        Field(max_length=PASSWORD_CHARACTERS.most),
        AfterValidator(_encodable),
        counted(PASSWORD_CHARACTERS),
    ]
    tenant_id: (
        Annotated[
            PlainText, StringConstraints(max_length=TENANT_ID_CHARACTERS.most), counted(TENANT_ID_CHARACTERS)
        ]
        | None
    ) = None
    device_token: Annotated[
        str, Field(max_length=DEVICE_TOKEN_CHARACTERS.most), counted(DEVICE_TOKEN_CHARACTERS)
    ] = ""
    """What the last sign-in from this device answered; it is slowed by its own failures alone."""
