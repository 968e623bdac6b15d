import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_fakes import HASTY, an_api, renewable_access

from psa_sync.connectors import CONNECTORS
from psa_sync.connectors.connectwise.connector import MEDIA_TYPE, PAGE_SIZE, POLICY, ConnectWiseConnector
from psa_sync.psa import Agreement, Listing
from shared.errors import (
    Conflict,
    CredentialsRejected,
    OutcomeUnknown,
    PermanentError,
    TransientError,
    UnexpectedResponse,
)

RECORDED = Path(__file__).parents[2] / "data/psa/connectwise"
BASE = "https://api.example/base"
AGREEMENT = Agreement("77", "Managed services", "19297", cancelled=False)
Handler = Callable[[httpx.Request], httpx.Response]


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text())


def companies(first: int, count: int) -> list[dict[str, Any]]:
    return [{"id": first + n, "identifier": f"c{n}", "name": f"Company {n}"} for n in range(count)]


def a_page(rows: Any, *, after: int | None = None, at: str = BASE) -> httpx.Response:
    link = f'<{at}/company/companies?pageSize=1000&pageId={after}>; rel="next"' if after else ""
    return httpx.Response(200, json=rows, headers={"Link": link})


class Recorder:
    """Answers from a handler and keeps the requests."""

    def __init__(self, answer: Handler) -> None:
        self._answer = answer
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answer(request)

    @property
    def psa(self) -> ConnectWiseConnector:
        return ConnectWiseConnector(an_api(self, headers=ConnectWiseConnector.headers))


def test_the_registry_knows_it_by_name() -> None:
    assert CONNECTORS["connectwise"] is ConnectWiseConnector


async def test_every_page_is_read_once_and_in_order() -> None:
    pages = {None: a_page(companies(1, PAGE_SIZE), after=PAGE_SIZE), "1000": a_page(companies(1001, 3))}
    far = Recorder(lambda request: pages[request.url.params.get("pageId")])

    ids = [company.company_id async for company in far.psa.companies()]

    assert ids == [str(number) for number in range(1, PAGE_SIZE + 4)]
    assert len(far.requests) == 2


async def test_lists_are_asked_for_forward_only_in_full_pages_and_in_one_version() -> None:
    far = Recorder(lambda _: a_page(recorded("companies")))

    [company async for company in far.psa.companies()]

    request = far.requests[0]
    assert request.headers["pagination-type"] == "forward-only"
    assert request.headers["Accept"] == MEDIA_TYPE
    assert dict(request.url.params) == {"conditions": "deletedFlag=false", "pageSize": "1000"}


async def test_a_full_last_page_ends_at_the_empty_link() -> None:
    far = Recorder(lambda _: a_page(companies(1, PAGE_SIZE)))

    assert len([company async for company in far.psa.companies()]) == PAGE_SIZE
    assert len(far.requests) == 1


async def test_a_list_that_goes_in_circles_is_left() -> None:
    far = Recorder(lambda _: a_page(companies(1, PAGE_SIZE), after=1000))

    with pytest.raises(UnexpectedResponse, match="circles"):
        [company async for company in far.psa.companies()]

    assert len(far.requests) == 2


async def test_a_link_to_another_host_is_not_followed_there() -> None:
    elsewhere = a_page(companies(1, PAGE_SIZE), after=1000, at="https://evil.example")
    far = Recorder(lambda request: a_page([]) if "pageId" in request.url.params else elsewhere)

    [company async for company in far.psa.companies()]

    assert {request.url.host for request in far.requests} == {"api.example"}


@pytest.mark.parametrize("body", [{"code": "x"}, 3, "text"])
async def test_a_list_that_is_none_is_unexpected(body: Any) -> None:
    far = Recorder(lambda _: a_page(body))

    with pytest.raises(UnexpectedResponse, match="no list"):
        [company async for company in far.psa.companies()]


async def test_lines_carry_the_agreement_they_were_listed_under() -> None:
    far = Recorder(lambda _: a_page(recorded("additions")))

    found = [line async for line in far.psa.lines(AGREEMENT)]

    assert [line.line_id for line in found] == ["901", "902", "903", "904"]
    assert {line.agreement for line in found} == {AGREEMENT}
    assert far.requests[0].url.path == "/base/finance/agreements/77/additions"


async def test_a_list_is_counted_under_its_own_conditions() -> None:
    far = Recorder(lambda _: httpx.Response(200, json={"count": 12}))

    assert await far.psa.count(Listing.COMPANIES) == 12
    assert str(far.requests[0].url) == f"{BASE}/company/companies/count?conditions=deletedFlag%3Dfalse"


async def test_one_line_is_read_with_its_agreement() -> None:
    answers = {"901": recorded("additions")[0], "77": recorded("agreements")[0]}
    far = Recorder(lambda request: httpx.Response(200, json=answers[request.url.path.split("/")[-1]]))

    line = await far.psa.line("77", "901")

    assert line is not None
    assert (line.quantity, line.agreement.currency) == (Decimal(10), "USD")


async def test_a_line_is_gone_only_while_something_else_is_found() -> None:
    far = Recorder(lambda request: httpx.Response(200 if "companies" in request.url.path else 404, json=[]))

    assert await far.psa.line("77", "901") is None


async def test_a_psa_that_finds_nothing_at_all_refuses_the_credentials() -> None:
    far = Recorder(lambda _: httpx.Response(404, text="Not Found"))

    with pytest.raises(CredentialsRejected):
        await far.psa.line("77", "901")
    with pytest.raises(CredentialsRejected):
        [company async for company in far.psa.companies()]


async def test_a_code_base_that_moved_is_asked_for_and_found() -> None:
    far = Recorder(lambda request: a_page(companies(1, 1)) if "/1/" in request.url.path else missing())
    psa = ConnectWiseConnector(
        an_api(far, source=renewable_access(2), policy=replace(HASTY, renew_on=POLICY.renew_on))
    )

    found = [company.company_id async for company in psa.companies()]

    assert found == ["1"]
    assert [request.url.path[:3] for request in far.requests] == ["/0/", "/1/"]


def missing() -> httpx.Response:
    return httpx.Response(404, text="Not Found")


async def test_a_write_is_one_replacement_of_the_quantity() -> None:
    row, headers = recorded("additions")[0] | {"quantity": 14.0}, {"x-cw-request-id": "req-1"}
    far = Recorder(lambda _: httpx.Response(200, json=row, headers=headers))

    answer = await far.psa.set_quantity("77", "901", Decimal("14.0"))

    (request,) = far.requests
    assert (request.method, request.url.path) == ("PATCH", "/base/finance/agreements/77/additions/901")
    assert request.content == b'[{"op":"replace","path":"quantity","value":14}]'
    assert (answer.quantity, answer.request_id) == (Decimal(14), "req-1")


async def test_a_fraction_travels_as_a_number() -> None:
    far = Recorder(lambda _: httpx.Response(200, json=recorded("additions")[0]))

    await far.psa.set_quantity("77", "901", Decimal("2.5"))

    assert json.loads(far.requests[0].content)[0]["value"] == 2.5


def failing(reply: httpx.Response | Exception) -> Recorder:
    def answer(_: httpx.Request) -> httpx.Response:
        if isinstance(reply, Exception):
            raise reply
        return reply

    return Recorder(answer)


WRITE_FAULTS = [
    pytest.param(httpx.ReadTimeout("late"), OutcomeUnknown, id="no answer in time"),
    pytest.param(httpx.RemoteProtocolError("cut"), OutcomeUnknown, id="the connection was cut"),
    pytest.param(httpx.Response(503, text="busy"), OutcomeUnknown, id="the server failed"),
    pytest.param(httpx.Response(200, text="<html>"), OutcomeUnknown, id="the answer is no JSON"),
    pytest.param(httpx.Response(200, json=[]), UnexpectedResponse, id="the answer is no object"),
    pytest.param(httpx.ConnectError("refused"), TransientError, id="never connected"),
    pytest.param(httpx.Response(409, json={"message": "in use"}), Conflict, id="in use"),
    pytest.param(httpx.Response(401, json={}), CredentialsRejected, id="401"),
    pytest.param(httpx.Response(403, json={}), CredentialsRejected, id="403"),
]


@pytest.mark.parametrize(("reply", "error"), WRITE_FAULTS)
async def test_a_write_that_goes_wrong_is_sent_once_and_named(
    reply: httpx.Response | Exception, error: type[Exception]
) -> None:
    far = failing(reply)

    with pytest.raises(error) as raised:
        await far.psa.set_quantity("77", "901", Decimal(14))

    assert type(raised.value) is error
    assert len(far.requests) == 1


async def test_a_throttled_write_was_not_made_and_says_when_to_come_back() -> None:
    body = {"error": "ConnectWiseAPI", "message": "Too many requests. Please try again in 30 seconds."}
    far = failing(httpx.Response(429, json=body))

    with pytest.raises(TransientError) as raised:
        await far.psa.set_quantity("77", "901", Decimal(14))

    assert not isinstance(raised.value, OutcomeUnknown)
    assert raised.value.retry_after == 30


async def test_a_refused_write_carries_the_psas_words() -> None:
    body = {"code": "InvalidObject", "message": "addition object is invalid", "errors": [{"message": "no"}]}
    far = failing(httpx.Response(400, json=body))

    with pytest.raises(PermanentError) as raised:
        await far.psa.set_quantity("77", "901", Decimal(14))

    assert (raised.value.status, raised.value.message) == (400, "addition object is invalid; no")
