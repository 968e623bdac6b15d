"""Ingram Micro Cloud Marketplace (ingram-micro-api.md §2–§4): user, password and key become a token."""

# Invariant: a token is handed out only for as long as it is surely good. Its life is cut by a minute, or by a
# tenth of it when it is short, for clocks differ and a call that is waiting goes out later:
#   expiresInSeconds 1500 → 1440 s      100 → 90 s      60 → 54 s
# A sign-in that the marketplace refused is not repeated: several in a row might lock the account (§10 no. 8).
#
# Whose account it is, the newest customers tell: by `resellerId`, which may be missing from list rows or at
# all, and vary in a tree of resellers (§7.1); and by their ids, which no other reseller's user can read:
#
#   five rows of reseller 1000001     owner 1000001, five known ids
#   rows of 1000001 and of 1000050    no owner told, five known ids
#   no customers yet                  nothing is told

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import quote

from auth.credentials.connections import IngramConnection
from auth.providers.models import AccountIdentity, ProviderSession
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
from shared.http_client.client import Api, Transport
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


_CUSTOMERS = "/customers"
_KNOWN_CUSTOMERS = 5
_NEWEST: dict[str, str | int] = {"offset": 0, "limit": _KNOWN_CUSTOMERS}
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
# An entity of somebody else, or of nobody, is one that is not found; which status says so, only clients know
# (ingram-micro-api.md §4.2).
_NOT_SEEN = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


class IngramMicroProvider:
    """Proves credentials by signing in and reading customers, and exchanges them for a token."""

    name: ClassVar[str] = "ingram-micro"

    def __init__(self, outbound: OutboundSettings, transport: Transport | None = None) -> None:
        self._client = ProviderClient(outbound, transport)

    async def check(self, connection: IngramConnection) -> AccountIdentity:
        async with address_problems("base_url", _LABEL), self._signed_in(connection) as api:
            customers = await api.request("GET", _CUSTOMERS, params=_NEWEST, answer=ENTITY)
            if customers.is_success:
                return await _identity(api, customers)
        if customers.status == HTTPStatus.NOT_FOUND:
            raise connection_problem(
                _LABEL, f"There are no customers: {quote_response(customers)}.", _BASE_URL
            )
        detail = f"The user may not read customers: {quote_response(customers)}."
        raise connection_problem(_LABEL, detail, _RIGHTS, _MARKETPLACE)

    async def recognises(self, connection: IngramConnection, known_ids: Sequence[str]) -> bool:
        async with address_problems("base_url", _LABEL), self._signed_in(connection) as api:
            for id_ in known_ids:
                customer = await api.request("GET", f"{_CUSTOMERS}/{quote(id_, safe='')}", answer=ENTITY)
                if customer.status in _NOT_SEEN:
                    return False
                row = customer.result()
                if not isinstance(row, dict) or _text(row.get("id")) != id_:
                    return False
        return True

    @asynccontextmanager
    async def _signed_in(self, connection: IngramConnection) -> AsyncIterator[Api]:
        """Opens the marketplace; raises a 422 Problem when the credentials are refused."""
        response = await self._token(connection)
        if not response.is_success:
            raise _sign_in_problem(response)
        session = _session_from(connection, response)
        async with self._client.api(session.base_url, session.headers, hidden=connection.secrets) as api:
            yield api

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


async def _identity(api: Api, customers: ApiResponse) -> AccountIdentity:
    """Reads whose the customers are; list rows may leave the reseller out, so one detail is asked as well."""
    body = customers.json if isinstance(customers.json, dict) else {}
    rows = body.get("data")
    if not isinstance(rows, list):
        raise UnexpectedResponse(f"{customers.call} answered without a list of customers", status=200)
    customer_ids = [id_ for row in rows if isinstance(row, dict) and (id_ := _text(row.get("id")))]
    known_ids = tuple(dict.fromkeys(customer_ids))[:_KNOWN_CUSTOMERS]
    owners = {_text(row.get("resellerId")) for row in rows if isinstance(row, dict)}
    if known_ids and owners == {None}:
        detail = await api.request("GET", f"{_CUSTOMERS}/{quote(known_ids[0], safe='')}", answer=ENTITY)
        row = detail.json if detail.is_success and isinstance(detail.json, dict) else {}
        owners = {_text(row.get("resellerId"))}
    # Several, or one that only some rows tell, are a tree of resellers: no one of them is the owner of all.
    owner = owners.pop() if len(owners) == 1 else None
    return AccountIdentity(owner=owner, known_ids=known_ids)


def _text(value: object) -> str | None:
    """Returns an id as a text; None for what is none. Ids look numeric, and are opaque (§6)."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if _ID.fullmatch(text) else None


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
