"""Ingram Micro Cloud Marketplace (ingram-micro-api.md §2–§4): user, password and key become a token."""

# Invariant: a token is handed out only for as long as it is surely good. Its life is cut by a minute, or by a
# tenth of it when it is short, for clocks differ and a call that is waiting goes out later:
#   expiresInSeconds 1500 → 1440 s      100 → 90 s      60 → 54 s
# A sign-in that the marketplace refused is not repeated: several in a row might lock the account (§10 no. 8).

from datetime import timedelta
from http import HTTPStatus
from typing import ClassVar

from auth.credentials.connections import IngramConnection
from auth.providers.models import ProviderSession
from auth.providers.provider_checks import (
    ProviderClient,
    address_problems,
    basic_auth,
    connection_problem,
    quote_response,
    refuse_redirect,
)
from shared.errors import CredentialsRejected, UnexpectedResponse
from shared.http_client.answer_size import ENTITY
from shared.http_client.client import Transport
from shared.http_client.response import ApiResponse
from shared.limits import record_hit
from shared.limits.answers import ACCESS_TOKEN_CHARACTERS, TOKEN_LIFE_SECONDS
from shared.runtime.settings import OutboundSettings
from shared.web.problems import FieldError, Problem

_LABEL = "Ingram Micro"
_MARGIN_SECONDS = 60
"""At most so long before its end a token is given up."""
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
# What each of these means is not documented (ingram-micro-api.md §10 no. 6), so none of them is tried again.
_REFUSALS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class IngramMicroProvider:
    """Proves credentials by signing in and reading one customer, and exchanges them for a token."""

    name: ClassVar[str] = "ingram-micro"

    def __init__(self, outbound: OutboundSettings, transport: Transport | None = None) -> None:
        self._client = ProviderClient(outbound, transport)

    async def check(self, connection: IngramConnection) -> None:
        async with address_problems("base_url", _LABEL):
            response = await self._token(connection)
            if not response.is_success:
                raise _sign_in_problem(response)
            session = _session_from(connection, response)
            async with self._client.api(session.base_url, session.headers, hidden=connection.secrets) as api:
                customers = await api.request(
                    "GET", "/customers", params={"offset": 0, "limit": 1}, answer=ENTITY
                )
        if customers.status == HTTPStatus.NOT_FOUND:
            raise connection_problem(
                _LABEL, f"There are no customers: {quote_response(customers)}.", _BASE_URL
            )
        if not customers.is_success:
            detail = f"The user may not read customers: {quote_response(customers)}."
            raise connection_problem(_LABEL, detail, _RIGHTS, _MARKETPLACE)

    async def open_session(
        self,
        connection: IngramConnection,
        previous: ProviderSession | None,  # noqa: ARG002 (every token is new)
    ) -> ProviderSession:
        """Returns a new token; a 429, and a 403 about a quota, is throttling: it raises TransientError."""
        response = await self._token(connection)
        if response.status in _REFUSALS:
            raise CredentialsRejected(f"Ingram Micro refused to sign in: {quote_response(response)}")
        response.result()
        return _session_from(connection, response)

    async def _token(self, connection: IngramConnection) -> ApiResponse:
        headers = {
            "Authorization": basic_auth(connection.username, connection.password.get_secret_value()),
            "X-Subscription-Key": connection.subscription_key.get_secret_value(),
        }
        async with self._client.api(connection.base_url, headers, hidden=connection.secrets) as api:
            body = {"marketplace": connection.marketplace}
            # `reads`: signing in changes nothing, so a sign-in that was cut off may be tried again.
            return refuse_redirect(await api.request("POST", "/token", json=body, read_only=True))


def _session_from(connection: IngramConnection, response: ApiResponse) -> ProviderSession:
    body = response.json if isinstance(response.json, dict) else {}
    token, seconds = body.get("token"), body.get("expiresInSeconds")
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, int)
        or seconds <= 0
        or not isinstance(token, str)
    ):
        raise UnexpectedResponse(f"{response.call} gave no token with a time in expiresInSeconds", status=200)
    if len(token) > ACCESS_TOKEN_CHARACTERS.most:
        record_hit(ACCESS_TOKEN_CHARACTERS)
        sentence = f"{response.call} gave a token of more than {ACCESS_TOKEN_CHARACTERS}"
        raise UnexpectedResponse(sentence, status=200)
    if seconds > TOKEN_LIFE_SECONDS.most:
        record_hit(TOKEN_LIFE_SECONDS)
        seconds = TOKEN_LIFE_SECONDS.most
    headers = {
        "Authorization": f"Bearer {token}",
        "X-Subscription-Key": connection.subscription_key.get_secret_value(),
    }
    lifetime = timedelta(seconds=seconds - min(_MARGIN_SECONDS, seconds / 10))
    return ProviderSession(connection.base_url, headers, lifetime)


def _sign_in_problem(response: ApiResponse) -> Problem:
    """Returns the 422 Problem; the vendor's words decide, for its status codes are not documented."""
    message = response.message.lower()
    detail = f"Ingram Micro refused to sign in: {quote_response(response)}."
    if response.status == HTTPStatus.NOT_FOUND:
        return connection_problem(
            _LABEL, f"There is no sign-in at this base URL: {quote_response(response)}.", _BASE_URL
        )
    if "subscription key" in message:
        return connection_problem(_LABEL, detail, _KEY)
    if "marketplace" in message:
        return connection_problem(_LABEL, detail, _MARKETPLACE)
    if response.status == HTTPStatus.UNAUTHORIZED:
        # The vendor does not tell the user from the password; an empty body may mean the key as well.
        return connection_problem(_LABEL, detail, _USER, _PASSWORD, *(() if message else (_KEY,)))
    return connection_problem(_LABEL, detail, _USER, _PASSWORD, _MARKETPLACE)
