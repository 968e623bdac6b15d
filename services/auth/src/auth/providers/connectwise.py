"""ConnectWise PSA (psa-apis.md §2.1–2.2): the code base is discovered, the keys are static."""

import re
from datetime import timedelta
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import quote

from auth.access.models import ProviderSession
from auth.credentials.connections import ConnectWiseConnection
from auth.providers.provider_checks import ProviderClient, address_in, basic, followed, quoted, refused
from shared.errors import CredentialsRejected, UnexpectedResponse
from shared.http_client.client import Transport
from shared.http_client.response import ApiResponse
from shared.runtime.settings import OutboundSettings
from shared.web.problems import FieldError, Problem

_LABEL = "ConnectWise"
# Static keys are handed out for minutes only (architecture §9).
_LASTS = timedelta(minutes=5)
_ACCEPT = {"Accept": "application/vnd.connectwise.com+json; version=2025.1"}
_CODE_BASE = re.compile(r"[A-Za-z0-9._-]+/")
_ON_PREMISE = "v4_6_release/"
_ONE_ROW: dict[str, str | int] = {"pageSize": 1, "fields": "id"}
_HOST = FieldError("host", "the API's host, such as api-na.myconnectwise.net, or your own server's name")
_COMPANY = FieldError("company", "the company id that you type when you sign in to ConnectWise")
_PUBLIC = FieldError("public_key", "the public key of an API member of this company")
_PRIVATE = FieldError("private_key", "the private key made together with that public key")
_CLIENT = FieldError("client_id", "the client id from the ConnectWise developer portal, a GUID")
_RIGHTS = "the API member's role needs Companies > Company Maintenance and Finance > Agreements (inquire)"


class ConnectWiseProvider:
    """Proves keys by reading, and hands them out with the address that the company is at today."""

    name: ClassVar[str] = "connectwise"

    def __init__(self, outbound: OutboundSettings, transport: Transport | None = None) -> None:
        self._outside = ProviderClient(outbound, transport)

    async def check(self, connection: ConnectWiseConnection) -> None:
        async with address_in("host", _LABEL):
            info = await self._company_info(connection)
            if (code_base := _code_base(info)) is None:
                raise _no_company(info)
            opening = _opening(connection, code_base)
            async with self._outside.api(opening.base_url, opening.headers, hidden=connection.secrets) as api:
                companies = await api.request("GET", "/company/companies", params=_ONE_ROW, headers=_ACCEPT)
                _require(companies, connection, code_base)
                agreements = await api.request("GET", "/finance/agreements", params=_ONE_ROW, headers=_ACCEPT)
        if not agreements.is_success:
            detail = f"Companies can be read, agreements cannot: {quoted(agreements)}."
            raise refused(_LABEL, detail, FieldError("public_key", _RIGHTS))

    async def open(self, connection: ConnectWiseConnection, known: ProviderSession | None) -> ProviderSession:
        """The code base changes with an upgrade: it is asked for again once access was refused."""
        if known is not None:
            return known
        info = await self._company_info(connection)
        if (code_base := _code_base(info)) is None:
            if info.status == HTTPStatus.NOT_FOUND or info.is_success:
                raise CredentialsRejected(f"ConnectWise does not know the company {connection.company}")
            info.result()
            raise UnexpectedResponse(f"{info.call} answered without a code base", status=info.status)
        return _opening(connection, code_base)

    async def _company_info(self, connection: ConnectWiseConnection) -> ApiResponse:
        async with self._outside.api(_origin(connection), {}, hidden=connection.secrets) as api:
            path = f"/login/companyinfo/{quote(connection.company, safe='')}"
            return followed(await api.request("GET", path))


def _origin(connection: ConnectWiseConnection) -> str:
    return connection.host if "://" in connection.host else f"https://{connection.host}"


def _code_base(answer: ApiResponse) -> str | None:
    """`v2025_1/`; none for an unknown company, which the cloud answers with 200 and `null`."""
    body = answer.json if answer.is_success and isinstance(answer.json, dict) else {}
    code_base = f"{str(body.get('Codebase') or '').strip('/')}/"
    return code_base if _CODE_BASE.fullmatch(code_base) else None


def _opening(connection: ConnectWiseConnection, code_base: str) -> ProviderSession:
    user = f"{connection.company}+{connection.public_key.get_secret_value()}"
    headers = {
        "Authorization": basic(user, connection.private_key.get_secret_value()),
        "clientId": connection.client_id.get_secret_value(),
    }
    return ProviderSession(f"{_origin(connection)}/{code_base}apis/3.0", headers, _LASTS)


def _no_company(answer: ApiResponse) -> Problem:
    if answer.is_success and answer.json is not None:
        return refused(_LABEL, "Another server than ConnectWise answers at this host.", _HOST)
    if answer.is_success or answer.status == HTTPStatus.NOT_FOUND:
        return refused(_LABEL, f"This host does not know the company: {quoted(answer)}.", _COMPANY, _HOST)
    return refused(_LABEL, f"The host does not answer as ConnectWise does: {quoted(answer)}.", _HOST)


def _require(answer: ApiResponse, connection: ConnectWiseConnection, code_base: str) -> None:
    """401, 403 and, in the cloud, 404 can all mean wrong keys (§2.2)."""
    if answer.is_success:
        return
    if "ssl is required" in answer.message.lower() or _is_page_host(connection, code_base):
        detail = f"This is the host of the pages, not of the API: {quoted(answer)}."
        raise refused(_LABEL, detail, FieldError("host", f"put api- in front: api-{connection.host}"))
    if answer.status == HTTPStatus.BAD_REQUEST:
        raise refused(_LABEL, f"ConnectWise cannot route the call: {quoted(answer)}.", _COMPANY, _HOST)
    detail = f"ConnectWise refused the keys: {quoted(answer)}."
    if "clientid" in answer.message.lower().replace(" ", ""):
        raise refused(_LABEL, detail, _CLIENT)
    if answer.status == HTTPStatus.FORBIDDEN:
        raise refused(_LABEL, detail, _CLIENT, FieldError("public_key", _RIGHTS))
    raise refused(_LABEL, detail, _PUBLIC, _PRIVATE, _COMPANY, _CLIENT)


def _is_page_host(connection: ConnectWiseConnection, code_base: str) -> bool:
    """A code base other than the on-premise one means that the API is at `api-…` (vendor guide)."""
    host = connection.host
    return code_base != _ON_PREMISE and host.endswith(".myconnectwise.net") and not host.startswith("api-")
