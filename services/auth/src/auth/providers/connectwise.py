"""ConnectWise PSA (psa-apis.md §2.1–2.2): the code base is discovered, the keys are static."""

# Invariant: the address is that of the company's present code base, which upgrades change. A session is built
# upon without a call until it is refused; then the host is asked anew, which takes no keys:
#   GET https://api-na.myconnectwise.net/login/companyinfo/acme  →  {"Codebase": "v2025_1/", …}
#   session: https://api-na.myconnectwise.net/v2025_1/apis/3.0

import re
from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import quote

from auth.credentials.connections import ConnectWiseConnection
from auth.providers.models import UNTOLD, AccountIdentity, ProviderSession
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
from shared.runtime.settings import OutboundSettings
from shared.web.problems import FieldError, Problem

_LABEL = "ConnectWise"
# Static keys are handed out for minutes only (architecture §9).
_SESSION_LIFETIME = timedelta(minutes=5)
_ACCEPT = {"Accept": "application/vnd.connectwise.com+json; version=2025.1"}
_CODE_BASE = re.compile(r"[A-Za-z0-9._-]{1,100}/")
_ON_PREMISE = "v4_6_release/"
_ONE_ROW: dict[str, str | int] = {"pageSize": 1, "fields": "id"}
_HOST = FieldError("host", "the API's host, such as api-na.myconnectwise.net, or your own server's name")
_COMPANY = FieldError("company", "the company id that you type when you sign in to ConnectWise")
_PUBLIC = FieldError("public_key", "the public key of an API member of this company")
_PRIVATE = FieldError("private_key", "the private key made together with that public key")
_CLIENT = FieldError("client_id", "the client id from the ConnectWise developer portal, a GUID")
_RIGHTS = "the API member's role needs Companies > Company Maintenance and Finance > Agreements (inquire)"


class ConnectWiseProvider:
    """Proves keys by reading a company and an agreement; hands them out with the company's address."""

    name: ClassVar[str] = "connectwise"

    def __init__(self, outbound: OutboundSettings, transport: Transport | None = None) -> None:
        self._client = ProviderClient(outbound, transport)

    async def check(self, connection: ConnectWiseConnection) -> AccountIdentity:
        """Tells no owner: the company that is in the realm is a part of the user name (psa-apis.md §2.2)."""
        async with address_problems("host", _LABEL):
            info = await self._company_info(connection)
            if (code_base := _code_base(info)) is None:
                raise _company_problem(info)
            session = _session(connection, code_base)
            async with self._client.api(session.base_url, session.headers, hidden=connection.secrets) as api:
                companies = await api.request(
                    "GET", "/company/companies", params=_ONE_ROW, headers=_ACCEPT, answer=ENTITY
                )
                _raise_for_refusal(companies, connection, code_base)
                agreements = await api.request(
                    "GET", "/finance/agreements", params=_ONE_ROW, headers=_ACCEPT, answer=ENTITY
                )
        if not agreements.is_success:
            detail = f"Companies can be read, agreements cannot: {quote_response(agreements)}."
            raise connection_problem(_LABEL, detail, FieldError("public_key", _RIGHTS))
        return UNTOLD

    async def recognises(
        self,
        connection: ConnectWiseConnection,  # noqa: ARG002 (the protocol's)
        known_ids: Sequence[str],
    ) -> bool:
        """Nothing is remembered of a company, so there is nothing to recognise."""
        return not known_ids

    async def open_session(
        self, connection: ConnectWiseConnection, previous: ProviderSession | None
    ) -> ProviderSession:
        """Returns `previous` as it is; without one, asks the host for the company's code base."""
        if previous is not None:
            return previous
        info = await self._company_info(connection)
        if (code_base := _code_base(info)) is None:
            # An unknown company is 200 and `null` in the cloud, or 404 (psa-apis.md §2.1).
            if info.status == HTTPStatus.NOT_FOUND or info.is_success:
                raise CredentialsRejected(f"ConnectWise does not know the company {connection.company}")
            info.result()
            raise UnexpectedResponse(f"{info.call} answered without a code base", status=info.status)
        return _session(connection, code_base)

    async def _company_info(self, connection: ConnectWiseConnection) -> ApiResponse:
        async with self._client.api(connection.origin, {}, hidden=connection.secrets) as api:
            path = f"/login/companyinfo/{quote(connection.company, safe='')}"
            return refuse_redirect(await api.request("GET", path))


def _code_base(response: ApiResponse) -> str | None:
    """Returns the code base with its slash, such as `v2025_1/`; None when the answer names none."""
    body = response.json if response.is_success and isinstance(response.json, dict) else {}
    code_base = f"{str(body.get('Codebase') or '').strip('/')}/"
    return code_base if _CODE_BASE.fullmatch(code_base) else None


def _session(connection: ConnectWiseConnection, code_base: str) -> ProviderSession:
    user = f"{connection.company}+{connection.public_key.get_secret_value()}"
    headers = {
        "Authorization": basic_auth(user, connection.private_key.get_secret_value()),
        "clientId": connection.client_id.get_secret_value(),
    }
    return ProviderSession(f"{connection.origin}/{code_base}apis/3.0", headers, _SESSION_LIFETIME)


def _company_problem(response: ApiResponse) -> Problem:
    if response.is_success and response.json is not None:
        return connection_problem(_LABEL, "Another server than ConnectWise answers at this host.", _HOST)
    if response.is_success or response.status == HTTPStatus.NOT_FOUND:
        return connection_problem(
            _LABEL, f"This host does not know the company: {quote_response(response)}.", _COMPANY, _HOST
        )
    return connection_problem(
        _LABEL, f"The host does not answer as ConnectWise does: {quote_response(response)}.", _HOST
    )


def _raise_for_refusal(response: ApiResponse, connection: ConnectWiseConnection, code_base: str) -> None:
    """Raises a 422 Problem for an answer that is no success.

    401, 403 and, in the cloud, 404 can all mean wrong keys (psa-apis.md §2.2), so the message decides first.
    """
    if response.is_success:
        return
    if "ssl is required" in response.message.lower() or _is_page_host(connection, code_base):
        detail = f"This is the host of the pages, not of the API: {quote_response(response)}."
        raise connection_problem(
            _LABEL, detail, FieldError("host", f"put api- in front: api-{connection.host}")
        )
    if response.status == HTTPStatus.BAD_REQUEST:
        raise connection_problem(
            _LABEL, f"ConnectWise cannot route the call: {quote_response(response)}.", _COMPANY, _HOST
        )
    detail = f"ConnectWise refused the keys: {quote_response(response)}."
    if "clientid" in response.message.lower().replace(" ", ""):
        raise connection_problem(_LABEL, detail, _CLIENT)
    if response.status == HTTPStatus.FORBIDDEN:
        raise connection_problem(_LABEL, detail, _CLIENT, FieldError("public_key", _RIGHTS))
    raise connection_problem(_LABEL, detail, _PUBLIC, _PRIVATE, _COMPANY, _CLIENT)


def _is_page_host(connection: ConnectWiseConnection, code_base: str) -> bool:
    """Whether the host is that of the cloud's pages, where the API is not.

    A code base other than the on-premise one means that the API is at `api-…` (psa-apis.md §2.1).
    """
    host = connection.host
    return code_base != _ON_PREMISE and host.endswith(".myconnectwise.net") and not host.startswith("api-")
