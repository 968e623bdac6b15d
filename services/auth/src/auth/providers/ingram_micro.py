"""Ingram Micro Cloud Marketplace (ingram-micro-api.md §2–§4): user, password and key become a token."""

from datetime import timedelta
from http import HTTPStatus
from typing import ClassVar

from auth.access.models import ProviderSession
from auth.credentials.connections import IngramConnection
from auth.providers.provider_checks import ProviderClient, address_in, basic, followed, quoted, refused
from shared.errors import CredentialsRejected, UnexpectedResponse
from shared.http_client.client import Transport
from shared.http_client.response import ApiResponse
from shared.runtime.settings import OutboundSettings
from shared.web.problems import FieldError, Problem

_LABEL = "Ingram Micro"
_SPARE = 60
_BASE_URL = FieldError(
    "base_url",
    "the base URL looks incomplete: copy it from the Marketplace API page, "
    "it normally ends in a region such as /na or /eu",
)
_KEY = FieldError("subscription_key", "copy the subscription key from the Marketplace API page")
_USER = FieldError(
    "username", "the API user of the Marketplace API order, commonly ending in .api, and activated"
)
_PASSWORD = FieldError("password", "the password set when that user was activated")
_MARKETPLACE = FieldError(
    "marketplace", "the code in the control panel's address: cp.us.na.cloud.im means us"
)
_RIGHTS = FieldError(
    "username", "this user may sign in but not read customers: use the Marketplace API's user"
)
# Which of them a 4xx means is not documented (§10 no. 6), so none is tried again.
_REFUSALS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class IngramMicroProvider:
    """Signs in; a refused sign-in is never repeated, for accounts may be locked."""

    name: ClassVar[str] = "ingram-micro"

    def __init__(self, outbound: OutboundSettings, transport: Transport | None = None) -> None:
        self._outside = ProviderClient(outbound, transport)

    async def check(self, connection: IngramConnection) -> None:
        async with address_in("base_url", _LABEL):
            answer = await self._token(connection)
            if not answer.is_success:
                raise _sign_in_refused(answer)
            opening = _opening(connection, answer)
            async with self._outside.api(opening.base_url, opening.headers, hidden=connection.secrets) as api:
                customers = await api.request("GET", "/customers", params={"offset": 0, "limit": 1})
        if customers.status == HTTPStatus.NOT_FOUND:
            raise refused(_LABEL, f"There are no customers: {quoted(customers)}.", _BASE_URL)
        if not customers.is_success:
            detail = f"The user may not read customers: {quoted(customers)}."
            raise refused(_LABEL, detail, _RIGHTS, _MARKETPLACE)

    async def open(self, connection: IngramConnection, known: ProviderSession | None) -> ProviderSession:  # noqa: ARG002 (every token is new)
        """A token of its own; 429 and a 403 about a quota are throttling (TransientError)."""
        answer = await self._token(connection)
        if answer.status in _REFUSALS:
            raise CredentialsRejected(f"Ingram Micro refused to sign in: {quoted(answer)}")
        answer.result()
        return _opening(connection, answer)

    async def _token(self, connection: IngramConnection) -> ApiResponse:
        headers = {
            "Authorization": basic(connection.username, connection.password.get_secret_value()),
            "X-Subscription-Key": connection.subscription_key.get_secret_value(),
        }
        async with self._outside.api(connection.base_url, headers, hidden=connection.secrets) as api:
            body = {"marketplace": connection.marketplace}
            return followed(await api.request("POST", "/token", json=body, read_only=True))


def _opening(connection: IngramConnection, answer: ApiResponse) -> ProviderSession:
    body = answer.json if isinstance(answer.json, dict) else {}
    token, seconds = body.get("token"), body.get("expiresInSeconds")
    if not isinstance(token, str) or not isinstance(seconds, int) or seconds <= 0:
        raise UnexpectedResponse(f"{answer.call} gave no token with a time in expiresInSeconds", status=200)
    headers = {
        "Authorization": f"Bearer {token}",
        "X-Subscription-Key": connection.subscription_key.get_secret_value(),
    }
    return ProviderSession(
        connection.base_url, headers, timedelta(seconds=seconds - min(_SPARE, seconds / 10))
    )


def _sign_in_refused(answer: ApiResponse) -> Problem:
    words = answer.message.lower()
    detail = f"Ingram Micro refused to sign in: {quoted(answer)}."
    if answer.status == HTTPStatus.NOT_FOUND:
        return refused(_LABEL, f"There is no sign-in at this base URL: {quoted(answer)}.", _BASE_URL)
    if "subscription key" in words:
        return refused(_LABEL, detail, _KEY)
    if "marketplace" in words:
        return refused(_LABEL, detail, _MARKETPLACE)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        # The vendor does not tell the user from the password; an empty body not even the key.
        return refused(_LABEL, detail, _USER, _PASSWORD, *(() if words else (_KEY,)))
    return refused(_LABEL, detail, _USER, _PASSWORD, _MARKETPLACE)
