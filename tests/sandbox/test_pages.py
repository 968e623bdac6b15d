"""Pages of the PSA's lists, both kinds."""

import re
from typing import Any

import httpx
import pytest
from sandboxes import Sandbox

FORWARD = {"pagination-type": "forward-only"}


async def listed(sandbox: Sandbox, headers: dict[str, str] | None = None, **query: Any) -> httpx.Response:
    answer = await sandbox.connectwise.get("company/companies", params=query, headers=headers)
    return answer.raise_for_status()


def links(answer: httpx.Response) -> dict[str, str]:
    """Links by their rel, found as `pyconnectwise` finds them: the page number is last in the query."""
    found = re.findall(r'<[^>]*page=(\d+)>; rel="(\w+)"', answer.headers.get("Link", ""))
    return {rel: number for number, rel in found}


async def test_a_middle_page_links_to_all_the_others(sandbox: Sandbox) -> None:
    answer = await listed(sandbox, pageSize=5, page=2)

    assert links(answer) == {"first": "1", "prev": "1", "next": "3", "last": "3"}


async def test_the_last_page_has_no_next(sandbox: Sandbox) -> None:
    answer = await listed(sandbox, pageSize=5, page=3)

    assert len(answer.json()) == 4
    assert "next" not in links(answer)


async def test_a_list_on_one_page_has_no_links(sandbox: Sandbox) -> None:
    answer = await listed(sandbox)

    assert len(answer.json()) == 14
    assert "Link" not in answer.headers


async def test_following_next_keeps_the_question(sandbox: Sandbox) -> None:
    answer = await listed(
        sandbox, conditions='name like "*" and id in (1,2) or id > 0', pageSize=6, fields="id,name"
    )
    ids = [row["id"] for row in answer.json()]
    while "next" in answer.links:
        answer = await sandbox.connectwise.get(answer.links["next"]["url"])
        ids += [row["id"] for row in answer.json()]

    assert len(ids) == 14
    assert answer.json()[0].keys() == {"id", "name"}


async def test_a_page_past_the_end_is_empty(sandbox: Sandbox) -> None:
    assert (await listed(sandbox, page=99)).json() == []


async def test_parameter_names_may_be_in_any_case(sandbox: Sandbox) -> None:
    answer = await listed(sandbox, pagesize=3, orderby="id desc", PAGE=2)

    assert len(answer.json()) == 3
    assert links(answer)["next"] == "3"


@pytest.mark.parametrize(
    "query", [{"page": "0"}, {"pageSize": "x"}, {"pageSize": "0"}, {"orderBy": "colour"}], ids=str
)
async def test_a_senseless_page_or_order_is_refused(sandbox: Sandbox, query: dict[str, str]) -> None:
    answer = await sandbox.connectwise.get("company/companies", params=query)

    assert answer.status_code == 400
    assert answer.json()["code"] == "InvalidObject"


async def test_rows_are_ordered_by_several_fields(sandbox: Sandbox) -> None:
    rows = (await listed(sandbox, orderBy="name asc, id desc")).json()

    assert rows == sorted(rows, key=lambda row: (row["name"].casefold(), -row["id"]))


async def test_forward_only_paging_walks_by_the_last_id_to_an_empty_link(sandbox: Sandbox) -> None:
    answer = await listed(sandbox, headers=FORWARD, pageSize=6)
    ids = [row["id"] for row in answer.json()]
    while "next" in answer.links:
        assert answer.links["next"]["url"].endswith(f"pageId={ids[-1]}")
        answer = await sandbox.connectwise.get(answer.links["next"]["url"], headers=FORWARD)
        ids += [row["id"] for row in answer.json()]

    assert len(ids) == 14
    assert answer.headers["Link"] == ""


async def test_forward_only_paging_ignores_the_page_and_forbids_an_order(sandbox: Sandbox) -> None:
    ignored = await listed(sandbox, headers=FORWARD, page=9)
    refused = await sandbox.connectwise.get(
        "company/companies", params={"orderBy": "id asc"}, headers=FORWARD
    )

    assert len(ignored.json()) == 14
    assert refused.status_code == 400


async def test_fields_choose_members_of_references_and_drop_the_rest(sandbox: Sandbox) -> None:
    answer = await sandbox.connectwise.get("finance/agreements", params={"fields": "id,company/name,endDate"})

    row = answer.json()[0]
    assert row.keys() == {"id", "company"}
    assert row["company"].keys() == {"name"}


async def test_info_is_there_unless_fields_are_chosen_without_it(sandbox: Sandbox) -> None:
    whole = (await listed(sandbox)).json()[0]
    chosen = (await listed(sandbox, fields="id,_info")).json()[0]
    dropped = (await listed(sandbox, fields="id")).json()[0]

    assert whole["_info"] == chosen["_info"]
    assert dropped.keys() == {"id"}


@pytest.mark.parametrize(
    ("path", "count"),
    [("company/companies", 14), ("procurement/catalog", 12), ("finance/agreements", 13)],
)
async def test_everything_can_be_counted(sandbox: Sandbox, path: str, count: int) -> None:
    everything = (await sandbox.connectwise.get(f"{path}/count")).json()
    nothing = (await sandbox.connectwise.get(f"{path}/count", params={"conditions": "id = 0"})).json()

    assert (everything, nothing) == ({"count": count}, {"count": 0})


async def test_unset_dates_are_left_out_and_amounts_are_printed_as_doubles(sandbox: Sandbox) -> None:
    line = (await sandbox.connectwise.get(await sandbox.line_path("last_seat_gone"))).text

    assert "cancelledDate" not in line
    assert '"quantity": 1.0' in line
    assert '"lessIncluded": 0.0' in line
