"""What a person posts to sign in."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from shared.limits.people import PASSWORD_CHARACTERS, TENANT_ID_CHARACTERS
from shared.limits.sign_in import DEVICE_TOKEN_CHARACTERS
from shared.plain_text import PlainText, counted
from shared.web.requests import Email


class SignInRequest(BaseModel):
    """An e-mail address and a password; `tenant_id` is needed only by people of several tenants."""

    # The lengths are bounded, for whoever is not signed in chooses how much there is to hash and to remember.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    email: Email
    password: Annotated[SecretStr, Field(max_length=PASSWORD_CHARACTERS.most), counted(PASSWORD_CHARACTERS)]
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
