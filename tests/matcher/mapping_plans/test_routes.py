"""Plans and versions over HTTP: who may, what is answered, and what is refused."""

from typing import Any

from catalogue_builders import PSA, a_psa, a_psa_account
from plan_world import PlanWorld, accounts

from shared.limits.http import IMPORT_BODY_BYTES
from shared.web.person import Role

FILE = accounts(("1", "7"), ("2", "8"), ("77", "9")).encode()


async def planned(plans: PlanWorld, content: bytes = FILE) -> dict[str, Any]:
    answer = await plans.send_file(content, file_name="mappings.csv")
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def approval(plan: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"digest": plan["digest"], "expected_count": plan["applicable"], **more}


async def test_a_file_becomes_a_plan_which_is_read_row_by_row_and_applied(plans: PlanWorld) -> None:
    await plans.client.world.approve("2", "9")
    plan = await planned(plans)
    path = f"/mapping-plans/{plan['id']}"

    first = await plans.client.get(path, limit=2)
    errors = await plans.client.get(path, outcome="error")
    answer = await plans.client.send("POST", f"{path}/apply", approval(plan, skip_errors=True), key="k1")

    assert (plan["title"], plan["counts"]["error"], plan["applicable"]) == (
        "imported from mappings.csv",
        1,
        2,
    )
    assert plan["effect"] == [{"kind": "account", "counts": {"changed": 1, "error": 1, "new": 1}}]
    assert [(row["row"], row["outcome"]) for row in first["rows"]] == [(1, "new"), (2, "changed")]
    assert first["rows"][1]["standing"]["psa_name"] == "Company 9"
    assert first["rows"][1]["becomes"]["psa_name"] == "Company 8"
    assert first["rows"][1]["vendor_name"] == "Customer 2"
    assert [row["row"] for row in errors["rows"]] == [3]
    following = await plans.client.get(path, limit=2, after=first["next"])
    assert ([row["row"] for row in following["rows"]], following["next"]) == ([3], None)
    assert (answer.status_code, answer.json()["state"]) == (200, "applied")
    assert await plans.decisions() == {"1": "7", "2": "8"}


async def test_an_outdated_plan_is_answered_with_its_rows(plans: PlanWorld) -> None:
    plan = await planned(plans, accounts(("1", "7")).encode())
    await plans.client.world.approve("1", "9")

    answer = await plans.client.send("POST", f"/mapping-plans/{plan['id']}/apply", approval(plan), key="k1")

    assert answer.status_code == 409
    [row] = answer.json()["rows"]
    assert row["row"] == 1
    assert "decided on meanwhile: mapped to 9" in row["sentence"]


async def test_what_is_another_tenants_is_not_there(plans: PlanWorld) -> None:
    plan = await planned(plans)
    version = (await plans.client.send("POST", "/mapping-versions", {"name": "v"})).json()
    theirs: dict[str, Any] = {"tenant_id": "other"}

    for method, path, body in (
        ("GET", f"/mapping-plans/{plan['id']}", None),
        ("POST", f"/mapping-plans/{plan['id']}/apply", approval(plan)),
        ("GET", f"/mapping-versions/{version['id']}/diff", None),
        ("POST", f"/mapping-versions/{version['id']}/rollback", None),
        ("POST", "/relinks", {"from_psa_integration_id": PSA, "to_psa_integration_id": PSA}),
    ):
        answer = await plans.client.send(method, path, body, key="k1", **theirs)
        assert answer.status_code == 404, path


async def test_a_viewer_reads_and_decides_nothing(plans: PlanWorld) -> None:
    plan = await planned(plans)

    refused = [
        await plans.send_file(FILE, role=Role.VIEWER),
        await plans.client.send(
            "POST", f"/mapping-plans/{plan['id']}/apply", approval(plan), role=Role.VIEWER, key="k1"
        ),
        await plans.client.send("POST", "/mapping-versions", {"name": "v"}, role=Role.VIEWER),
        await plans.client.send("POST", "/mapping-versions/v/rollback", role=Role.VIEWER),
        await plans.client.send(
            "POST",
            "/relinks",
            {"from_psa_integration_id": "a", "to_psa_integration_id": "b"},
            role=Role.VIEWER,
        ),
    ]

    assert [answer.status_code for answer in refused] == [403] * 5
    assert (await plans.export()).status_code == 200


async def test_a_file_that_cannot_be_read_is_refused_with_what_to_do(plans: PlanWorld) -> None:
    encoding = await plans.send_file(accounts(("1", "7")).encode("utf-16"))
    columns = await plans.send_file(b"kind;what\n")
    media_type = await plans.send_file(FILE, "application/vnd.ms-excel")

    assert (encoding.status_code, "UTF-16" in encoding.json()["detail"]) == (422, True)
    assert (columns.status_code, "no column 'what'" in columns.json()["detail"]) == (422, True)
    assert (media_type.status_code, "send text/csv" in media_type.json()["detail"]) == (415, True)


async def test_a_file_beyond_the_limit_is_refused_before_it_is_read(plans: PlanWorld) -> None:
    answer = await plans.send_file(b"x" * (IMPORT_BODY_BYTES.most + 1))

    assert answer.status_code == 413
    assert "larger than 52,428,800 bytes" in answer.json()["detail"]


async def test_json_is_taken_by_its_content_type(plans: PlanWorld) -> None:
    answer = await plans.send_file(
        b'[{"kind": "account", "vendor_id": "1", "psa_id": "7"}]', "application/json; charset=utf-8"
    )

    assert (answer.status_code, answer.json()["counts"]["new"]) == (201, 1)


async def test_versions_are_listed_compared_and_gone_back_to(plans: PlanWorld) -> None:
    version = (await plans.client.send("POST", "/mapping-versions", {"name": "before"})).json()
    await plans.client.world.approve("1", "7")

    listed = await plans.client.get("/mapping-versions")
    diff = await plans.client.get(f"/mapping-versions/{version['id']}/diff")
    rollback = await plans.client.send("POST", f"/mapping-versions/{version['id']}/rollback")

    assert [one["name"] for one in listed["versions"]] == ["before"]
    assert rollback.status_code == 201
    assert isinstance(diff["differences"], list)


async def test_a_relink_is_planned_over_http(plans: PlanWorld) -> None:
    await plans.client.world.approve("1", "7")
    await plans.client.world.receive(
        a_psa("int_new"), a_psa_account("70", "Company 7", integration_id="int_new")
    )
    body = {"from_psa_integration_id": PSA, "to_psa_integration_id": "int_new"}

    answer = await plans.client.send("POST", "/relinks", body)
    unclear = await plans.client.send("POST", "/relinks", {**body, "from_provider": "x", "from_realm": "y"})

    assert (answer.status_code, answer.json()["source"], answer.json()["applicable"]) == (201, "relink", 1)
    assert unclear.status_code == 422
