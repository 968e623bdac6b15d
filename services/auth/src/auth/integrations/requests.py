"""What a person posts to connect a provider, and how wrong fields are named."""

from typing import Annotated, Any, Self

from pydantic import (
    ConfigDict,
    Field,
    RootModel,
    ValidationError,
    ValidatorFunctionWrapHandler,
    model_validator,
)
from pydantic_core import PydanticKnownError

from auth.credentials.connections import (
    CONNECTION_TYPES,
    Connection,
    ConnectWiseConnection,
    IngramConnection,
)
from shared.plain_text import reason_of
from shared.web.problems import FieldError, invalid_request

_WHOLE = "body"
"""Names what no single field is at fault for."""
_REASONS = {"missing": "this is needed", "extra_forbidden": "there is no such field"}


class ConnectionRequest(
    RootModel[Annotated[IngramConnection | ConnectWiseConnection, Field(discriminator="provider")]]
):
    """The fields of one provider; `provider` says which provider it is."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, body: object, handler: ValidatorFunctionWrapHandler) -> Self:
        if not isinstance(body, dict):
            raise PydanticKnownError("dict_type")
        # Not the union's own errors: they name `ingram-micro.password` where the person typed `password`.
        # pydantic lets the Problem pass, for it is no ValueError.
        request: Self = handler(read_connection(body))
        return request


def read_connection(body: dict[str, Any]) -> Connection:
    """Returns the connection; raises a 422 Problem that names the wrong fields and repeats no value."""
    connection_type = (
        CONNECTION_TYPES.get(provider) if isinstance(provider := body.get("provider"), str) else None
    )
    if connection_type is None:
        raise invalid_request([FieldError("provider", f"this is {' or '.join(CONNECTION_TYPES)}")])
    try:
        return connection_type.model_validate(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
    # Raised outside the handler: a chained ValidationError would carry what was typed into the log.
    raise invalid_request(
        [
            FieldError(
                ".".join(str(part) for part in fault["loc"]) or _WHOLE,
                _REASONS.get(fault["type"], reason_of(fault)),
            )
            for fault in faults
        ]
    )
