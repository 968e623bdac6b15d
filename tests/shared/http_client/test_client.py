import httpx
import pytest
from http_fakes import Provider, RenewableAccess, Reply, an_api, renewable_access

from shared.errors import AddressRefused, CredentialsRejected, OutcomeUnknown, TransientError
from shared.http_client.access_source import Access
from shared.http_client.client import Api
from shared.runtime.settings import OutboundSettings

OK = httpx.Response(200, json={"ok": True})


async def test_a_path_is_appended_to_the_base_address_verbatim() -> None:
    provider = Provider(OK)

    async with an_api(provider) as api:
        await api.get("/customers", {"offset": 0, "limit": 1})

    assert str(provider.requests[0].url) == "https://api.example/base/customers?offset=0&limit=1"


async def test_what_we_sent_as_proof_is_not_repeated_when_quoted() -> None:
    provider = Provider(httpx.Response(400, json={"message": "bad key canary-5f2e91"}))

    async with an_api(
        provider, source=RenewableAccess(Access("https://api.example", {"X-Key": "canary-5f2e91"}))
    ) as api:
        answer = await api.request("GET", "/x")

    assert answer.message == "bad key ***"
    assert "canary" not in repr(answer)


@pytest.mark.parametrize(
    "reply",
    [httpx.Response(502), httpx.Response(524), httpx.ReadTimeout("late"), httpx.Response(200, text="<")],
)
async def test_a_change_without_a_clear_answer_has_an_unknown_outcome_and_is_sent_once(reply: Reply) -> None:
    provider = Provider(reply)

    async with an_api(provider) as api:
        with pytest.raises(OutcomeUnknown):
            await api.request("PATCH", "/x", json=[])

    assert len(provider.requests) == 1


async def test_a_change_of_unknown_outcome_is_looked_into_no_sooner_than_the_provider_says() -> None:
    busy = httpx.Response(503, headers={"Retry-After": "30"})

    async with an_api(Provider(busy)) as api:
        with pytest.raises(OutcomeUnknown) as raised:
            await api.request("PATCH", "/x", json=[])

    assert raised.value.retry_after == 30


@pytest.mark.parametrize("reply", [httpx.ConnectError("refused"), httpx.Response(429)])
async def test_a_change_that_certainly_was_not_made_may_be_sent_later(reply: Reply) -> None:
    async with an_api(Provider(reply)) as api:
        with pytest.raises(TransientError) as raised:
            await api.request("PATCH", "/x", json=[])

    assert type(raised.value) is TransientError


async def test_access_is_renewed_once_and_the_call_goes_out_again() -> None:
    provider = Provider(httpx.Response(401), OK)

    async with an_api(provider, source=renewable_access(3)) as api:
        assert await api.get("/x") == {"ok": True}

    assert [request.url.path for request in provider.requests] == ["/0/x", "/1/x"]


async def test_a_second_refusal_in_one_call_stands() -> None:
    provider = Provider(httpx.Response(401))

    async with an_api(provider, source=renewable_access(3)) as api:
        with pytest.raises(CredentialsRejected):
            await api.get("/x")

    assert len(provider.requests) == 2


async def test_a_change_that_was_refused_is_sent_again_with_new_access() -> None:
    provider = Provider(httpx.Response(401), OK)

    async with an_api(provider, source=renewable_access(2)) as api:
        assert (await api.request("POST", "/x", json={})).result() == {"ok": True}


async def test_an_address_that_is_not_https_is_refused_at_once() -> None:
    with pytest.raises(AddressRefused):
        Api("http://api.example", outbound=OutboundSettings())
