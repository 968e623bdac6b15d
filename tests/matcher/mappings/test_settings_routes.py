"""The settings over HTTP: who may, what is answered, and what is refused."""

import pytest
from matcher_http import MatcherClient
from people import signed_in

from matcher.catalogue.item_forms import ItemForms
from shared.mongo import Mongo
from shared.web.person import Role

ON = {"name_equality": "normalised"}


async def test_they_are_read_by_viewers_and_changed_by_admins(matcher: MatcherClient, mongo: Mongo) -> None:
    forms = ItemForms(mongo)
    while await forms.update_next():
        pass
    before = await matcher.get("/settings")

    changed = await matcher.send("PUT", "/settings", ON, role=Role.ADMIN)
    after = await matcher.get("/settings")

    assert before == {"name_equality": "exact", "revision": 0, "changed_by": None, "changed_at": None}
    assert changed.json() == after
    assert after["name_equality"] == "normalised"
    assert (await matcher.get("/settings", tenant_id="other"))["revision"] == 0


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MAPPER, Role.APPROVER])
async def test_nobody_else_changes_them(matcher: MatcherClient, role: Role) -> None:
    assert (await matcher.send("PUT", "/settings", ON, role=role)).status_code == 403


async def test_items_of_an_older_form_are_waited_for(matcher: MatcherClient) -> None:
    answer = await matcher.send("PUT", "/settings", ON, role=Role.ADMIN)

    assert answer.status_code == 409
    assert "try again in a minute" in answer.json()["detail"]
    assert answer.json()["settings"]["name_equality"] == "exact"


@pytest.mark.parametrize("body", [{}, {"name_equality": "fuzzy"}, {**ON, "more": 1}])
async def test_what_is_no_setting_is_refused(matcher: MatcherClient, body: dict[str, object]) -> None:
    assert (await matcher.send("PUT", "/settings", body, role=Role.ADMIN)).status_code == 422


async def test_a_revision_that_is_outdated_is_refused_with_the_settings(
    matcher: MatcherClient, mongo: Mongo
) -> None:
    forms = ItemForms(mongo)
    while await forms.update_next():
        pass
    await matcher.send("PUT", "/settings", ON, role=Role.ADMIN)

    headers = signed_in(Role.ADMIN) | {"If-Match": "0"}
    answer = await matcher.http.put("/settings", json={"name_equality": "exact"}, headers=headers)

    assert answer.status_code == 409
    assert answer.json()["settings"] == await matcher.get("/settings")
