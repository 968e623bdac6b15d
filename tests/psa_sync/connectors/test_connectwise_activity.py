"""Whether a company is active is what the PSA says: the flag of its status, whatever that is called."""

from typing import Any

import httpx
import pytest
from connectwise import RecordingServer

from psa_sync.psa import Company

STATUSES = [
    {"id": 1, "name": "Active", "inactiveFlag": False},
    {"id": 2, "name": "Ruht", "inactiveFlag": True},
    {"id": 3, "name": "Inactive", "inactiveFlag": False},
    {"id": 4, "name": "Prospect"},
]


def a_company(id_: int, status: Any) -> dict[str, Any]:
    return {"id": id_, "identifier": f"c{id_}", "name": f"Company {id_}", "status": status}


def a_server(companies: list[dict[str, Any]], statuses: httpx.Response | None = None) -> RecordingServer:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/companies/statuses"):
            return statuses or httpx.Response(200, json=STATUSES)
        if request.url.path.endswith("/companies"):
            return httpx.Response(200, json=companies)
        return httpx.Response(200, json=companies[0])

    return RecordingServer(answer)


async def activity(server: RecordingServer) -> dict[str, bool]:
    companies = [company async for company in server.psa.companies() if isinstance(company, Company)]
    return {company.company_id: company.active for company in companies}


async def test_a_company_is_inactive_when_its_status_is_flagged_so_whatever_that_is_called() -> None:
    server = a_server([a_company(id_, {"id": id_, "name": "?"}) for id_ in (1, 2, 3, 4)])

    assert await activity(server) == {"1": True, "2": False, "3": True, "4": True}


async def test_the_statuses_are_read_once_however_many_companies_there_are() -> None:
    server = a_server([a_company(id_, {"id": 2}) for id_ in range(1, 500)])

    await activity(server)

    assert len(server.requests) == 2


async def test_one_company_that_is_read_by_itself_is_told_alike() -> None:
    company = await a_server([a_company(7, {"id": 2, "name": "Ruht"})]).psa.company("7")

    assert company == Company("7", "c7", "Company 7", active=False, status="Ruht")


@pytest.mark.parametrize(
    "status", [None, {}, "Inactive", {"id": None}, {"id": True}, {"id": "2"}, {"id": 99}]
)
async def test_a_status_that_says_nothing_makes_no_company_inactive(status: Any) -> None:
    assert await activity(a_server([a_company(1, status)])) == {"1": True}


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(403, json={"message": "no rights"}),
        httpx.Response(404),
        httpx.Response(200, json={"no": "list"}),
        httpx.Response(200, json=[{"id": "x"}]),
        httpx.Response(200, json=[7]),
    ],
)
async def test_where_the_statuses_cannot_be_read_nothing_is_said_of_any_company(
    answer: httpx.Response,
) -> None:
    assert await activity(a_server([a_company(2, {"id": 2})], answer)) == {"2": True}
