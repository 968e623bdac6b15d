import base64

import httpx
import pytest
from provider_fakes import CONNECTWISE, FakeProviders, a_connectwise

from auth.providers.connectwise import ConnectWiseProvider
from shared.errors import CredentialsRejected, TransientError
from shared.runtime.settings import OutboundSettings
from shared.web.problems import Problem

INFO = "/login/companyinfo/acme"
COMPANIES, AGREEMENTS = f"{CONNECTWISE}/company/companies", f"{CONNECTWISE}/finance/agreements"
UNAUTHORIZED = '{"code":"ConnectWiseApi","message":"UserNotAuthenticated","errors":null}'


def provider(providers: FakeProviders) -> ConnectWiseProvider:
    return ConnectWiseProvider(OutboundSettings(), providers.transport)


async def test_keys_are_proven_by_one_company_and_one_agreement() -> None:
    providers = FakeProviders()

    await provider(providers).check(a_connectwise())

    _, companies, agreements = providers.calls
    basic = base64.b64encode(b"acme+canary-public:canary-private").decode()
    assert providers.paths == [f"GET {INFO}", f"GET {COMPANIES}", f"GET {AGREEMENTS}"]
    assert dict(companies.url.params) == {"pageSize": "1", "fields": "id"}
    assert agreements.headers["authorization"] == f"Basic {basic}"
    assert agreements.headers["clientid"] == "canary-client"
    assert agreements.headers["accept"] == "application/vnd.connectwise.com+json; version=2025.1"


async def test_company_info_is_asked_for_without_keys() -> None:
    providers = FakeProviders()

    await provider(providers).check(a_connectwise())

    assert not {"authorization", "clientid"} & set(providers.calls[0].headers)


@pytest.mark.parametrize(
    ("path", "status", "text", "fields"),
    [
        (INFO, 200, "null", {"company", "host"}),
        (INFO, 404, "", {"company", "host"}),
        (INFO, 200, '{"hello": "world"}', {"host"}),
        (INFO, 200, "<html>", {"host"}),
        (INFO, 403, "no", {"host"}),
        (COMPANIES, 401, UNAUTHORIZED, {"public_key", "private_key", "company", "client_id"}),
        (COMPANIES, 404, "", {"public_key", "private_key", "company", "client_id"}),
        (COMPANIES, 403, '{"message":"A valid clientId is required."}', {"client_id"}),
        (COMPANIES, 403, '{"message":"Forbidden"}', {"client_id", "public_key"}),
        (COMPANIES, 400, "Cannot route. Codebase/company is invalid", {"company", "host"}),
        (COMPANIES, 403, '{"code":"Security","message":"SSL is required.","errors":null}', {"host"}),
        (AGREEMENTS, 403, '{"message":"Forbidden"}', {"public_key"}),
    ],
)
async def test_the_fields_that_can_be_wrong_are_named(
    path: str, status: int, text: str, fields: set[str]
) -> None:
    providers = FakeProviders()
    providers.replies[path] = httpx.Response(status, text=text)

    with pytest.raises(Problem) as raised:
        await provider(providers).check(a_connectwise())

    assert raised.value.status == 422
    assert {field.name for field in raised.value.fields} == fields


async def test_the_host_of_the_pages_is_recognised() -> None:
    providers = FakeProviders()
    providers.replies[COMPANIES] = httpx.Response(401, text=UNAUTHORIZED)

    with pytest.raises(Problem) as raised:
        await provider(providers).check(a_connectwise(host="na.myconnectwise.net"))

    assert raised.value.fields[0].reason == "put api- in front: api-na.myconnectwise.net"


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("http://api-na.myconnectwise.net", "https:// is needed"),
        ("10.0.0.5", "only public addresses"),
        ("localhost", "only public addresses"),
    ],
)
async def test_an_address_that_may_not_be_called_is_a_wrong_host(host: str, reason: str) -> None:
    with pytest.raises(Problem, match=reason) as raised:
        await ConnectWiseProvider(OutboundSettings()).check(a_connectwise(host=host))

    assert (raised.value.status, raised.value.fields[0].name) == (422, "host")


async def test_a_psa_that_is_down_is_not_taken_for_wrong_keys() -> None:
    providers = FakeProviders()
    providers.replies[COMPANIES] = httpx.Response(
        429, json={"message": "Too many requests."}, headers={"Retry-After": "300"}
    )

    with pytest.raises(TransientError):
        await provider(providers).check(a_connectwise())


async def test_access_holds_the_address_of_todays_code_base() -> None:
    session = await provider(FakeProviders()).open_session(a_connectwise(), None)

    assert session.base_url == "https://api-na.myconnectwise.net/v2025_1/apis/3.0"
    assert set(session.headers) == {"Authorization", "clientId"}
    assert "canary" not in repr(session)


async def test_the_code_base_is_not_asked_for_twice() -> None:
    providers = FakeProviders()
    previous = await provider(providers).open_session(a_connectwise(), None)

    again = await provider(providers).open_session(a_connectwise(), previous)

    assert again == previous
    assert providers.paths == [f"GET {INFO}"]


@pytest.mark.parametrize("reply", [httpx.Response(200, text="null"), httpx.Response(404)])
async def test_a_company_that_is_gone_must_be_connected_again(reply: httpx.Response) -> None:
    providers = FakeProviders()
    providers.replies[INFO] = reply

    with pytest.raises(CredentialsRejected):
        await provider(providers).open_session(a_connectwise(), None)


async def test_a_whole_origin_may_stand_for_the_host() -> None:
    providers = FakeProviders()

    session = await provider(providers).open_session(a_connectwise(host="http://127.0.0.1:8090"), None)

    assert session.base_url == "http://127.0.0.1:8090/v2025_1/apis/3.0"
