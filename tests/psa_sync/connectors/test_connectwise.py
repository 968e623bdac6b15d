from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest
from connectwise import BASE, RecordingServer, recorded
from http_fakes import HASTY, an_api, renewable_access

from psa_sync.connectors import CONNECTORS
from psa_sync.connectors.connectwise.connector import MEDIA_TYPE, PAGE_SIZE, POLICY, ConnectWiseConnector
from psa_sync.psa import Agreement, Company, Listing, PsaLine, UnreadableRow
from shared.errors import CredentialsRejected, UnexpectedResponse

AGREEMENT = Agreement("77", "Managed services", "19297", cancelled=False)


def companies_of(rows: Sequence[Company | UnreadableRow]) -> list[Company]:
    """Returns the rows, all of which must have been understood."""
    understood = [row for row in rows if isinstance(row, Company)]
    assert len(understood) == len(rows)
    return understood


def companies(first: int, count: int) -> list[dict[str, Any]]:
    return [{"id": first + n, "identifier": f"c{n}", "name": f"Company {n}"} for n in range(count)]


def a_page(rows: Any, *, after: int | None = None, at: str = BASE) -> httpx.Response:
    link = f'<{at}/company/companies?pageSize=1000&pageId={after}>; rel="next"' if after else ""
    return httpx.Response(200, json=rows, headers={"Link": link})


def test_the_registry_knows_it_by_name() -> None:
    assert CONNECTORS["connectwise"].connect is ConnectWiseConnector


async def test_every_page_is_read_once_and_in_order() -> None:
    pages = {None: a_page(companies(1, PAGE_SIZE), after=PAGE_SIZE), "1000": a_page(companies(1001, 3))}
    server = RecordingServer(lambda request: pages[request.url.params.get("pageId")])

    ids = [company.company_id async for company in server.psa.companies()]

    assert ids == [str(number) for number in range(1, PAGE_SIZE + 4)]
    assert len(server.requests) == 2


async def test_a_row_that_cannot_be_understood_is_named_and_spoils_no_other() -> None:
    rows = [*companies(1, 2), {"id": 3, "identifier": "x" * 201, "name": "Company 3"}]
    server = RecordingServer(lambda _: a_page(rows))

    *understood, odd = [row async for row in server.psa.companies()]

    assert [company.company_id for company in companies_of(understood)] == ["1", "2"]
    assert isinstance(odd, UnreadableRow)
    assert odd.id == "3"
    assert "company 3" in odd.reason
    assert "201 characters; the most is 200 characters" in odd.reason


async def test_an_addition_that_cannot_be_understood_spoils_no_other_of_its_agreement() -> None:
    additions = recorded("additions")
    del additions[1]["product"]
    server = RecordingServer(lambda _: a_page([*additions, "none", {"id": None}]))

    found = [row async for row in server.psa.lines(AGREEMENT)]

    odd = [row.id for row in found if isinstance(row, UnreadableRow)]
    assert [row.line_id for row in found if isinstance(row, PsaLine)] == ["901", "903", "904"]
    assert odd == ["902", "", ""]


async def test_the_agreements_of_one_company_are_asked_for_and_checked() -> None:
    def row(number: int, company: Any) -> dict[str, Any]:
        return {"id": number, "name": "Managed services", "company": company}

    # A server that ignores the condition, and a row whose company is no reference.
    listed = [
        row(77, {"id": 19297}),
        row(78, {"id": 5}),
        row(79, "Acme"),
        {"id": 80, "company": {"id": 19297}},
    ]
    server = RecordingServer(lambda _: a_page(listed))

    found = [row async for row in server.psa.company_agreements("19297")]

    assert [row.agreement_id for row in found if isinstance(row, Agreement)] == ["77"]
    odd = [(row.id, row.company_id) for row in found if isinstance(row, UnreadableRow)]
    assert odd == [("79", ""), ("80", "19297")]
    assert server.requests[0].url.params["conditions"] == "company/id=19297"


async def test_one_agreement_is_read_and_is_gone_only_while_something_else_is_found() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/77"):
            return httpx.Response(200, json=recorded("agreements")[0])
        return httpx.Response(200, json=[]) if "companies" in request.url.path else missing()

    psa = RecordingServer(answer).psa

    found = await psa.agreement("77")

    assert found is not None
    assert found.agreement_id == "77"
    assert await psa.agreement("78") is None


async def test_lists_are_asked_for_forward_only_in_full_pages_and_in_one_version() -> None:
    server = RecordingServer(lambda _: a_page(recorded("companies")))

    [company async for company in server.psa.companies()]

    request = server.requests[0]
    assert request.headers["pagination-type"] == "forward-only"
    assert request.headers["Accept"] == MEDIA_TYPE
    assert dict(request.url.params) == {"conditions": "deletedFlag=false", "pageSize": "1000"}


async def test_a_full_last_page_ends_at_the_empty_link() -> None:
    server = RecordingServer(lambda _: a_page(companies(1, PAGE_SIZE)))

    assert len([company async for company in server.psa.companies()]) == PAGE_SIZE
    assert len(server.requests) == 1


async def test_a_list_that_goes_in_circles_is_left() -> None:
    server = RecordingServer(lambda _: a_page(companies(1, PAGE_SIZE), after=1000))

    with pytest.raises(UnexpectedResponse, match="circles"):
        [company async for company in server.psa.companies()]

    assert len(server.requests) == 2


async def test_a_link_to_another_host_is_not_followed_there() -> None:
    elsewhere = a_page(companies(1, PAGE_SIZE), after=1000, at="https://evil.example")
    server = RecordingServer(lambda request: a_page([]) if "pageId" in request.url.params else elsewhere)

    [company async for company in server.psa.companies()]

    assert {request.url.host for request in server.requests} == {"api.example"}


@pytest.mark.parametrize("body", [{"code": "x"}, 3, "text"])
async def test_a_list_that_is_none_is_unexpected(body: Any) -> None:
    server = RecordingServer(lambda _: a_page(body))

    with pytest.raises(UnexpectedResponse, match="no list"):
        [company async for company in server.psa.companies()]


async def test_lines_carry_the_agreement_they_were_listed_under() -> None:
    server = RecordingServer(lambda _: a_page(recorded("additions")))

    found = [line async for line in server.psa.lines(AGREEMENT)]

    lines = [line for line in found if isinstance(line, PsaLine)]
    assert len(lines) == len(found)
    assert [line.line_id for line in lines] == ["901", "902", "903", "904"]
    assert {line.agreement for line in lines} == {AGREEMENT}
    assert server.requests[0].url.path == "/base/finance/agreements/77/additions"


async def test_a_list_is_counted_under_its_own_conditions() -> None:
    server = RecordingServer(lambda _: httpx.Response(200, json={"count": 12}))

    assert await server.psa.count(Listing.COMPANIES) == 12
    assert str(server.requests[0].url) == f"{BASE}/company/companies/count?conditions=deletedFlag%3Dfalse"


async def test_one_line_is_read_with_its_agreement() -> None:
    answers = {"901": recorded("additions")[0], "77": recorded("agreements")[0]}
    server = RecordingServer(
        lambda request: httpx.Response(200, json=answers[request.url.path.split("/")[-1]])
    )

    line = await server.psa.line("77", "901")

    assert line is not None
    assert (line.quantity, line.agreement.currency) == (Decimal(10), "USD")


async def test_a_line_is_gone_only_while_something_else_is_found() -> None:
    server = RecordingServer(
        lambda request: httpx.Response(200 if "companies" in request.url.path else 404, json=[])
    )

    assert await server.psa.line("77", "901") is None


async def test_a_psa_that_finds_nothing_at_all_refuses_the_credentials() -> None:
    server = RecordingServer(lambda _: httpx.Response(404, text="Not Found"))

    with pytest.raises(CredentialsRejected):
        await server.psa.line("77", "901")
    with pytest.raises(CredentialsRejected):
        [company async for company in server.psa.companies()]


async def test_a_code_base_that_moved_is_asked_for_and_found() -> None:
    server = RecordingServer(
        lambda request: a_page(companies(1, 1)) if "/1/" in request.url.path else missing()
    )
    psa = ConnectWiseConnector(
        an_api(server, source=renewable_access(2), policy=replace(HASTY, renew_on=POLICY.renew_on))
    )

    found = [company.company_id async for company in psa.companies()]

    assert found == ["1"]
    assert [request.url.path[:3] for request in server.requests] == ["/0/", "/1/"]


def missing() -> httpx.Response:
    return httpx.Response(404, text="Not Found")
