from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from approval_env import ApprovalEnv, an_approval_env
from billing_http import billing_client
from httpx import AsyncClient
from lines import AT, PSA, a_line
from people import signed_in

from billing.observations.change_notice import ChangeNotice
from billing.observations.repository import OBSERVED_INDEXES, ObservationRepository
from billing.runs.models import FinishedRun
from billing.runs.repository import RUN_INDEXES, FinishedRunRepository
from shared.contracts.base import Outcome, RunKind
from shared.contracts.psa_sync import AgreementLineObserved, PsaRunFinished
from shared.mongo import Mongo
from shared.web.person import Role


@pytest.fixture
async def env(mongo: Mongo) -> ApprovalEnv:
    await mongo.ensure([*OBSERVED_INDEXES, *RUN_INDEXES])
    return await an_approval_env(mongo, a_line(), a_line(tenant_id="other"))


@pytest.fixture
async def client(env: ApprovalEnv) -> AsyncIterator[AsyncClient]:
    async with billing_client(env) as client:
        yield client


async def test_every_version_that_a_line_rested_on_is_shown_in_the_order_learnt(
    client: AsyncClient, env: ApprovalEnv
) -> None:
    observed = ObservationRepository(env.mongo, clock=env.clock)
    for revision, quantity in enumerate([4, 5]):
        await observed.store("demo", [ChangeNotice.of(an_addition(revision, quantity))])
        env.clock.forward(timedelta(hours=1))

    answer = await read(client, "/usage/line_1/history")

    versions = [(shown["kind"], shown["revision"], shown["told"]["quantity"]) for shown in answer["versions"]]
    assert versions == [("agreement_lines", 0, "4"), ("agreement_lines", 1, "5")]
    assert answer["versions"][0]["learnt_at"] < answer["versions"][1]["learnt_at"]


async def test_a_line_that_is_gone_keeps_its_history(client: AsyncClient, env: ApprovalEnv) -> None:
    await ObservationRepository(env.mongo).store("demo", [ChangeNotice.of(an_addition(1, 5))])
    await env.store(a_line(present=False))

    assert len((await read(client, "/usage/line_1/history"))["versions"]) == 1


async def test_a_line_of_another_tenant_has_no_history_here(client: AsyncClient, env: ApprovalEnv) -> None:
    await ObservationRepository(env.mongo).store("demo", [ChangeNotice.of(an_addition(1, 5))])
    headers = signed_in(Role.VIEWER, "other")

    assert (await client.get("/usage/line_1/history", headers=headers)).json()["versions"] == []
    assert (await client.get("/usage/line_9/history", headers=headers)).status_code == 404


async def test_runs_are_listed_newest_first_without_gap_or_overlap(
    client: AsyncClient, env: ApprovalEnv
) -> None:
    runs = FinishedRunRepository(env.mongo, env.outbox)
    await runs.record([a_run(number) for number in range(5)])
    await runs.record([a_run(9, tenant_id="other")])

    first = await read(client, "/runs?limit=3")
    rest = await read(client, f"/runs?limit=3&after={first['next']}")

    assert [run["run_id"] for run in [*first["runs"], *rest["runs"]]] == [f"run_{n}" for n in (4, 3, 2, 1, 0)]
    assert rest["next"] is None
    assert (first["runs"][0]["coverage"], first["runs"][0]["verdict"]) == ("0.5", None)


async def read(client: AsyncClient, path: str) -> dict[str, Any]:
    answer = await client.get(path, headers=signed_in(Role.VIEWER))
    assert answer.status_code == 200
    return dict(answer.json())


def an_addition(revision: int, quantity: int) -> AgreementLineObserved:
    return AgreementLineObserved(
        tenant_id="demo",
        revision=revision,
        integration_id=PSA,
        run_id="run_1",
        generation=1,
        observed_at=AT,
        line_id="line_1-add-0",
        agreement_id="agr",
        agreement_name="Managed",
        account_id="acc",
        product_id="prod",
        quantity=Decimal(quantity),
        billable=True,
    )


def a_run(number: int, *, tenant_id: str = "demo") -> FinishedRun:
    news = PsaRunFinished(
        tenant_id=tenant_id,
        integration_id=PSA,
        run_id=f"run_{number}",
        sync_id=f"syn_{number}",
        generation=1,
        kind=RunKind.FULL,
        outcome=Outcome.PARTIAL,
        first_revision=number,
        manifests=0,
        counts={"agreement_lines": 3},
        coverage=Decimal("0.5"),
        started_at=AT,
        finished_at=AT + timedelta(minutes=number),
    )
    return FinishedRun.of(news, AT)
