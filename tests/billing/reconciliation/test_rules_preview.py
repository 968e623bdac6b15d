"""What rules would change is shown before it is decided, and is what the decision then changes."""

from collections.abc import AsyncIterator, Collection
from decimal import Decimal
from typing import Any

import pytest
from billing_world import World, a_mapped_world
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from observation_builders import (
    PSA,
    TENANT,
    VENDOR,
    a_mapping,
    a_product,
    a_service,
    a_subscription,
    an_agreement_line,
)
from people import a_verifier, signed_in

from billing.observations.integrations import IntegrationDirectory
from billing.reconciliation.inputs import AccountGroupLoader
from billing.reconciliation.ports import LoadedGroups
from billing.reconciliation.routes import make_router
from billing.reconciliation.rules_preview import ProposedRules, RulesPreviewer
from billing.reconciliation.tenant_context import TenantContextLoader
from billing.usage.ref import Ref, RefKind
from shared.contracts.mapping_rules import MappingRules
from shared.mongo import Mongo
from shared.web.person import Role
from shared.web.problems import install_problem_handlers

TENS = {"quantity": {"included_units": "5", "multiple": "10"}}
SPLIT = {"split": [{"psa_id": "prod2", "quantity": "4"}]}
OVERRIDE = {"overrides": [{"vendor_account_id": "acme", "psa_id": "prod2"}]}


@pytest.fixture
async def world(mongo: Mongo) -> World:
    """A company that bought 15 seats and is billed 10 of them at 20 USD."""
    bought = a_subscription(12), a_subscription(3, id_="s2")
    products = a_service(), a_product(), a_product("prod2")
    billed = an_agreement_line(10, unit_price=Decimal(20), currency="USD")
    return await a_mapped_world(mongo, *bought, billed, *products)


@pytest.fixture
async def client(world: World) -> AsyncIterator[AsyncClient]:
    app = FastAPI()
    install_problem_handlers(app)
    context = TenantContextLoader(world.mongo, world.feeds)
    directory = IntegrationDirectory(world.mongo)
    previewer = RulesPreviewer(world.groups, context, directory, clock=world.clock)
    app.include_router(make_router(a_verifier(), previewer))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://billing.test") as client:
        yield client


async def preview(
    client: AsyncClient,
    wanted: dict[str, Any],
    *,
    role: Role = Role.MAPPER,
    tenant: str = TENANT,
    **more: Any,
) -> Response:
    body = {
        "vendor_integration_id": VENDOR,
        "service_id": "svc1",
        "psa_integration_id": PSA,
        "psa_id": "prod1",
        "rules": wanted,
    }
    return await client.post("/rules/preview", json=body | more, headers=signed_in(role, tenant))


async def test_a_rule_is_shown_with_both_numbers_the_classes_the_money_and_the_calculation(
    client: AsyncClient,
) -> None:
    answer = (await preview(client, TENS)).json()

    [line] = answer["lines"]
    assert (line["before"]["vendor_count"]["number"], line["after"]["vendor_count"]["number"]) == ("15", "10")
    assert (line["before"]["line_class"], line["after"]["line_class"]) == ("vendor-higher", "in-step")
    assert line["after"]["calculation"][0].endswith("− 5 included, rounded up to a multiple of 10 = 10")
    assert answer["money"] == [{"currency": "USD", "amount": "-100"}]
    counts = {name: answer[name] for name in ("lines_compared", "lines_changed", "without_estimate")}
    assert counts == {"lines_compared": 1, "lines_changed": 1, "without_estimate": 0}


async def test_a_preview_stores_nothing(client: AsyncClient, world: World) -> None:
    before = await world.stored()

    await preview(client, SPLIT)
    await world.reconcile()

    assert await world.stored() == before


@pytest.mark.parametrize("rules", [TENS, SPLIT, OVERRIDE, TENS | SPLIT, {}])
async def test_the_decision_then_changes_what_was_shown(
    client: AsyncClient, world: World, rules: dict[str, Any]
) -> None:
    answer = (await preview(client, rules)).json()
    shown = {line["line_id"]: line["after"] for line in answer["lines"]}
    before = {line.line_id: line for line in await world.stored() if line.present}

    decided = a_mapping("service", "svc1", "prod1", revision=2, rules=MappingRules.model_validate(rules))
    await world.ingest(decided)
    await world.reconcile()

    after = {line.line_id: line for line in await world.stored() if line.present}
    changed = {
        id_
        for id_ in before.keys() | after.keys()
        if id_ not in before
        or id_ not in after
        or (before[id_].vendor_count.number, before[id_].line_class, before[id_].calculation)
        != (after[id_].vendor_count.number, after[id_].line_class, after[id_].calculation)
    }
    assert {*shown} == changed
    for id_, state in shown.items():
        assert Decimal(state["vendor_count"]["number"]) == after[id_].vendor_count.number
        assert state["line_class"] == after[id_].line_class
        assert state["calculation"] == [*after[id_].calculation]


async def test_a_line_that_would_come_is_shown_without_a_before(client: AsyncClient) -> None:
    answer = (await preview(client, SPLIT)).json()

    new = [line for line in answer["lines"] if line["before"] is None]
    assert [line["psa_product_id"] for line in new] == ["prod2"]
    assert new[0]["names"]["product"]


async def test_a_service_that_is_mapped_to_nothing_yet_can_be_previewed(
    client: AsyncClient, world: World
) -> None:
    await world.ingest(a_mapping("service", "svc1", None, revision=2))
    await world.reconcile()

    answer = (await preview(client, TENS)).json()

    after = {line["service_id"]: line["after"] and line["after"]["line_class"] for line in answer["lines"]}
    assert after == {"svc1": None, None: "in-step"}


async def test_only_as_many_lines_are_shown_as_were_asked_for_and_all_are_counted(
    client: AsyncClient,
) -> None:
    answer = (await preview(client, SPLIT, limit=1)).json()

    assert (len(answer["lines"]), answer["lines_changed"]) == (1, 2)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"service_id": "svc9"}, "no vendor service svc9"),
        ({"psa_id": "prod9"}, "no PSA product prod9"),
        ({"rules": {"split": [{"psa_id": "prod9", "quantity": "1"}]}}, "no PSA product prod9"),
        ({"vendor_integration_id": "int_9"}, "no vendor integration int_9"),
        ({"vendor_integration_id": PSA}, f"no vendor integration {PSA}"),
    ],
)
async def test_what_was_never_seen_is_not_found(
    client: AsyncClient, more: dict[str, Any], sentence: str
) -> None:
    answer = await preview(client, TENS, **more)

    assert answer.status_code == 404
    assert sentence in answer.json()["detail"]


async def test_another_tenant_finds_nothing_and_a_viewer_may_not(client: AsyncClient) -> None:
    theirs, viewed = (
        await preview(client, TENS, tenant="other"),
        await preview(client, TENS, role=Role.VIEWER),
    )

    assert (theirs.status_code, viewed.status_code) == (404, 403)


async def test_rules_that_are_none_or_contradict_themselves_are_refused(client: AsyncClient) -> None:
    answers = [
        await preview(client, {"quantity": {"factor": "0"}}),
        await preview(client, {"split": [{"psa_id": "prod1", "quantity": "1"}]}),
    ]

    assert [answer.status_code for answer in answers] == [422, 409]


class FailingGroups(AccountGroupLoader):
    """Cannot load what an account of this company is a part of."""

    failing = "co2"

    async def load_groups(self, tenant_id: str, accounts: Collection[Ref], **more: Any) -> LoadedGroups:
        if any(account.id == self.failing for account in accounts):
            raise ValueError("its row cannot be read")
        return await super().load_groups(tenant_id, accounts, **more)


async def test_an_account_that_cannot_be_calculated_is_counted_and_takes_no_other_along(world: World) -> None:
    await world.read(a_mapping("account", "beta", "co2"), a_subscription(20, id_="s3", account="beta"))
    await world.reconcile()
    groups = FailingGroups(world.mongo, {TENANT: world.calendar}, world.feeds)
    context, directory = TenantContextLoader(world.mongo, world.feeds), IntegrationDirectory(world.mongo)
    previewer = RulesPreviewer(groups, context, directory, clock=world.clock)
    service, product = Ref(RefKind.VENDOR_SERVICE, VENDOR, "svc1"), Ref(RefKind.PSA_PRODUCT, PSA, "prod1")
    wanted = ProposedRules(TENANT, "ann", service, product, MappingRules.model_validate(TENS))

    found = await previewer.preview(wanted, shown=10)

    assert found.failed_accounts == 2
    assert [change.line.psa_account_id for change in found.changes] == ["co1"]
