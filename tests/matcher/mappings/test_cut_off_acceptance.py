"""Accepting many while others decide, and after a kill."""

from typing import Any

import pytest
from catalogue_builders import NOW, a_psa, a_psa_account, a_vendor_account, an_integration
from cut_off_store import CutOffStore
from given_proposals import propose
from matcher_http import MatcherClient

from matcher.mappings.acceptance import AcceptanceService
from matcher.mappings.acceptance_models import AcceptQuery
from matcher.mappings.acceptance_repository import MongoAcceptances
from matcher.mappings.decision_batches import DecisionBatchService
from matcher.mappings.models import OutcomeStatus
from shared.contracts.matcher import MappingKind
from shared.errors import TransientError
from shared.mongo import Mongo

ACCOUNT = MappingKind.ACCOUNT
MANY = 130


class Meanwhile:
    """A store before which somebody excludes account 1, once all is counted."""

    def __init__(self, matcher: MatcherClient) -> None:
        self._matcher = matcher

    async def tenants_with_work(self, now: object) -> list[str]:
        raise NotImplementedError(now)

    async def run_unit_of_work(self, tenant_id: str, work: Any) -> Any:
        await self._matcher.world.exclude("1")
        return await self._matcher.world.store.run_unit_of_work(tenant_id, work)


@pytest.fixture
async def known(matcher: MatcherClient) -> MatcherClient:
    seen = [*(a_vendor_account(id_, f"Customer {id_}") for id_ in "12")]
    await matcher.world.receive(an_integration(), a_psa(), *seen)
    await matcher.world.receive(*(a_psa_account(id_, f"Company {id_}") for id_ in "12"))
    await propose(matcher, {"1": 990, "2": 990})
    return matcher


async def test_what_was_decided_after_the_count_is_a_conflict(mongo: Mongo, known: MatcherClient) -> None:
    service = AcceptanceService(
        MongoAcceptances(mongo), DecisionBatchService(Meanwhile(known), lambda: NOW), lambda: NOW
    )

    made = await service.accept(
        AcceptQuery("demo", ACCOUNT, 950), "ann", expected_count=2, idempotency_key="k"
    )

    assert [outcome.status for _, outcome in made] == [OutcomeStatus.CONFLICT, OutcomeStatus.DONE]
    assert await known.world.mapped() == {"2": "2"}


async def test_cut_off_it_goes_on_with_what_was_counted(mongo: Mongo, matcher: MatcherClient) -> None:
    ids = [str(number) for number in range(MANY)]
    vendor = [a_vendor_account(id_, f"Customer {id_}") for id_ in ids]
    psa = [a_psa_account(id_, f"Company {id_}") for id_ in ids]
    await matcher.world.receive(an_integration(), a_psa(), *vendor, *psa)
    await propose(matcher, dict.fromkeys(ids, 990))
    cut_off = CutOffStore(matcher.world.store, units=1)
    query, store = AcceptQuery("demo", ACCOUNT, 950), MongoAcceptances(mongo)
    batches = DecisionBatchService(cut_off, lambda: NOW)
    with pytest.raises(TransientError):
        await AcceptanceService(store, batches, lambda: NOW).accept(
            query, "ann", expected_count=MANY, idempotency_key="k"
        )
    before = len(await matcher.world.mapped())

    whole = DecisionBatchService(matcher.world.store, lambda: NOW)
    made = await AcceptanceService(store, whole, lambda: NOW).accept(
        query, "ann", expected_count=MANY, idempotency_key="k"
    )

    assert 0 < before < MANY
    assert {outcome.status for _, outcome in made} == {OutcomeStatus.DONE}
    assert len(await matcher.world.mapped()) == MANY == len(made)
