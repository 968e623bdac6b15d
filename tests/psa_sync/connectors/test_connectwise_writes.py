import json
from decimal import Decimal

import httpx
import pytest
from connectwise import RecordingServer, failing, recorded

from shared.errors import (
    Conflict,
    CredentialsRejected,
    OutcomeUnknown,
    PermanentError,
    TransientError,
    UnexpectedResponse,
)


async def test_a_write_is_one_replacement_of_the_quantity() -> None:
    row, headers = recorded("additions")[0] | {"quantity": 14.0}, {"x-cw-request-id": "req-1"}
    server = RecordingServer(lambda _: httpx.Response(200, json=row, headers=headers))

    answer = await server.psa.set_quantity("77", "901", Decimal("14.0"))

    (request,) = server.requests
    assert (request.method, request.url.path) == ("PATCH", "/base/finance/agreements/77/additions/901")
    assert request.content == b'[{"op":"replace","path":"quantity","value":14}]'
    assert (answer.quantity, answer.request_id) == (Decimal(14), "req-1")


async def test_a_fraction_travels_as_a_number() -> None:
    server = RecordingServer(lambda _: httpx.Response(200, json=recorded("additions")[0]))

    await server.psa.set_quantity("77", "901", Decimal("2.5"))

    assert json.loads(server.requests[0].content)[0]["value"] == 2.5


WRITE_FAULTS = [
    pytest.param(httpx.ReadTimeout("late"), OutcomeUnknown, id="no answer in time"),
    pytest.param(httpx.RemoteProtocolError("cut"), OutcomeUnknown, id="the connection was cut"),
    pytest.param(httpx.Response(503, text="busy"), OutcomeUnknown, id="the server failed"),
    pytest.param(httpx.Response(200, text="<html>"), OutcomeUnknown, id="the answer is no JSON"),
    pytest.param(httpx.Response(200, json=[]), UnexpectedResponse, id="the answer is no object"),
    pytest.param(httpx.Response(200, json={"quantity": "abc"}), UnexpectedResponse, id="a quantity in words"),
    pytest.param(httpx.Response(200, json={"quantity": [1]}), UnexpectedResponse, id="a list of quantities"),
    pytest.param(
        httpx.Response(200, text='{"quantity": 1e40}'), UnexpectedResponse, id="a quantity too large"
    ),
    pytest.param(httpx.ConnectError("refused"), TransientError, id="never connected"),
    pytest.param(httpx.Response(409, json={"message": "in use"}), Conflict, id="in use"),
    pytest.param(httpx.Response(401, json={}), CredentialsRejected, id="401"),
    pytest.param(httpx.Response(403, json={}), CredentialsRejected, id="403"),
]


@pytest.mark.parametrize(("reply", "error"), WRITE_FAULTS)
async def test_a_write_that_goes_wrong_is_sent_once_and_named(
    reply: httpx.Response | Exception, error: type[Exception]
) -> None:
    server = failing(reply)

    with pytest.raises(error) as raised:
        await server.psa.set_quantity("77", "901", Decimal(14))

    assert type(raised.value) is error
    assert len(server.requests) == 1


async def test_a_throttled_write_was_not_made_and_says_when_to_come_back() -> None:
    body = {"error": "ConnectWiseAPI", "message": "Too many requests. Please try again in 30 seconds."}
    server = failing(httpx.Response(429, json=body))

    with pytest.raises(TransientError) as raised:
        await server.psa.set_quantity("77", "901", Decimal(14))

    assert not isinstance(raised.value, OutcomeUnknown)
    assert raised.value.retry_after == 30


async def test_a_refused_write_carries_the_psas_words() -> None:
    body = {"code": "InvalidObject", "message": "addition object is invalid", "errors": [{"message": "no"}]}
    server = failing(httpx.Response(400, json=body))

    with pytest.raises(PermanentError) as raised:
        await server.psa.set_quantity("77", "901", Decimal(14))

    assert (raised.value.status, raised.value.message) == (400, "addition object is invalid; no")
