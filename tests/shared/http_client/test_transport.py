from datetime import timedelta

import pytest
from http_fakes import HASTY, a_real_api, raw_server

from shared.errors import (
    AddressRefused,
    PermanentError,
    TransientError,
)
from shared.http_client.client import Api
from shared.http_client.retry import CallPolicy
from shared.runtime.settings import OutboundSettings


async def test_a_loopback_address_is_refused_when_connecting() -> None:
    async with Api("https://127.0.0.1:9", outbound=OutboundSettings(), policy=HASTY) as api:
        with pytest.raises(AddressRefused, match=r"127\.0\.0\.1"):
            await api.get("/x")


@pytest.mark.parametrize("body", [b'{"cut": ', b""])
async def test_a_connection_that_is_cut_is_tried_again(body: bytes) -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n" + body
    whole = b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"ok": true}'

    async with raw_server(cut, whole) as (origin, requests), a_real_api(origin, HASTY) as api:
        assert await api.get("/x") == {"ok": True}

    assert len(requests) == 2


async def test_a_server_that_never_answers_ends_at_the_deadline() -> None:
    async with raw_server(b"HTTP/1.1 200 OK\r\n", hold=True) as (origin, requests):
        api = a_real_api(
            origin, CallPolicy(total_timeout=timedelta(seconds=1), fault_pause=timedelta(milliseconds=1))
        )
        with pytest.raises(TransientError, match="got no answer: TimeoutError"):
            await api.get("/x")
        await api.aclose()

    assert len(requests) == 1


@pytest.mark.parametrize("value", ["canary\nX: 1", "canarÿ"])
async def test_a_header_that_http_forbids_is_refused_without_being_shown(value: str) -> None:
    async with raw_server(b"") as (origin, requests):
        settings = OutboundSettings(allowed_origins=(origin,))
        async with Api(origin, outbound=settings, headers={"X-Key": value}) as api:
            with pytest.raises(PermanentError) as raised:
                await api.get("/x")

    assert "canar" not in f"{raised.value!r} {raised.value.__cause__!r}"
    assert requests == []
