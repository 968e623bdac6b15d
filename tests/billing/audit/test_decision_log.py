"""Each decision on a mapping is in the audit log once: who, when, why, from what to what."""

import asyncio
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from observation_builders import NOW, TENANT, a_mapping

from billing.app import INDEXES
from billing.audit.chain import verify
from billing.audit.decision_log import DecisionLog, decision_draft
from billing.audit.repository import AuditLog
from billing.observations.change_notice import ChangeNotice
from billing.observations.repository import ObservationRepository
from shared.contracts.mapping_rules import MappingRules, QuantityRule
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingMethod, ReplacedDecision
from shared.errors import TransientError
from shared.mongo import Mongo

pytestmark = pytest.mark.server

VERSIONS = [a_mapping("account", f"a{place % 2}", str(place), revision=place) for place in range(1, 7)]


@pytest.fixture
async def store(mongo: Mongo) -> Mongo:
    await mongo.ensure(INDEXES)
    return mongo


async def receive(mongo: Mongo, *decisions: MappingDecided) -> None:
    """Store decisions as a process does that has just begun."""
    observed = ObservationRepository(mongo, watcher=DecisionLog(AuditLog(mongo)))
    await observed.store(TENANT, [ChangeNotice.of(one) for one in decisions])


async def exported(mongo: Mongo) -> list[dict[str, Any]]:
    """Returns the entries of the log, which proves itself."""
    audit = AuditLog(mongo)
    head = await audit.head(TENANT)
    lines = [entry.line async for entry in audit.entries(TENANT, until=head)]
    assert verify(lines, head=head).intact
    return [json.loads(line) for line in lines]


async def entered(mongo: Mongo) -> list[int]:
    return [entry["details"]["revision"] for entry in await exported(mongo)]


def test_an_entry_says_who_when_why_and_from_what_to_what() -> None:
    decision = a_mapping(
        "account",
        "acme",
        None,
        revision=7,
        reason="our own tenant",
        decided_by="per_maria",
        replaced=ReplacedDecision(
            revision=6,
            decision=MappingDecision.APPROVED,
            method=MappingMethod.EXACT,
            psa_integration_id="int_psa",
            psa_id="9",
        ),
    )

    draft = decision_draft(decision)

    assert (draft.at, draft.actor, draft.action) == (NOW, "per_maria", "mapping.excluded")
    assert draft.subject == f"mapping:{decision.key}"
    assert (draft.details["from"]["decision"], draft.details["from"]["psa_id"]) == ("approved", "9")
    assert (draft.details["to"]["decision"], draft.details["to"]["reason"]) == ("excluded", "our own tenant")


def test_an_entry_says_by_which_rules_a_service_was_and_is_billed() -> None:
    less_five = MappingRules(quantity=QuantityRule(included_units=Decimal(5)))
    before = ReplacedDecision(
        revision=6,
        decision=MappingDecision.APPROVED,
        method=MappingMethod.MANUAL,
        psa_integration_id="int_psa",
        psa_id="9",
        rules=less_five,
    )

    ended = decision_draft(a_mapping("service", "svc", "9", revision=7, replaced=before))
    ruled = decision_draft(a_mapping("service", "svc", "9", revision=8, rules=less_five))

    assert ended.details["from"]["rules"]["quantity"]["included_units"] == "5"
    assert ended.details["to"]["rules"] is None
    assert ruled.details["to"]["rules"]["quantity"]["included_units"] == "5"


def test_what_the_exact_rule_decided_was_decided_by_matcher() -> None:
    exact = a_mapping("account", "acme", "9", decided_by="trueup", method=MappingMethod.EXACT)

    assert decision_draft(exact).actor == "matcher"


def test_an_undo_names_what_was_taken_back() -> None:
    assert decision_draft(a_mapping("account", "acme", "9", revision=7, undoes=6)).details["undoes"] == 6


async def test_each_decision_is_entered_in_the_order_of_its_revision(store: Mongo) -> None:
    await receive(store, VERSIONS[1], VERSIONS[0])
    await receive(store, VERSIONS[2])

    assert await entered(store) == [1, 2, 3]


async def test_a_decision_that_is_delivered_again_is_not_entered_again(store: Mongo) -> None:
    await receive(store, *VERSIONS[:3])
    await receive(store, *VERSIONS[:4])
    await receive(store, VERSIONS[0], VERSIONS[0])

    assert await entered(store) == [1, 2, 3, 4]


async def test_a_decision_that_comes_late_is_entered_when_it_comes(store: Mongo) -> None:
    await receive(store, a_mapping("account", "acme", "9", revision=3))

    await receive(store, a_mapping("account", "acme", "8", revision=2))
    await receive(store, a_mapping("account", "acme", "8", revision=2))

    assert await entered(store) == [3, 2]


async def test_what_was_stored_before_the_log_heard_of_mappings_is_not_entered(store: Mongo) -> None:
    """The first start of an existing installation, also where its topics are read again from the start."""
    await ObservationRepository(store).store(TENANT, [ChangeNotice.of(one) for one in VERSIONS[:4]])

    await receive(store, *VERSIONS)

    assert await entered(store) == [5, 6]


async def test_a_decision_and_its_entry_are_stored_together_or_not_at_all(store: Mongo) -> None:
    class Refusing(DecisionLog):
        async def enter(self, tenant_id: str, decisions: Any, *, session: Any) -> None:
            await super().enter(tenant_id, decisions, session=session)
            raise TransientError("the process ends here")

    observed = ObservationRepository(store, watcher=Refusing(AuditLog(store)))
    with pytest.raises(TransientError):
        await observed.store(TENANT, [ChangeNotice.of(VERSIONS[0])])
    before = await store.documents("mappings", TENANT).find(), await exported(store)

    await receive(store, VERSIONS[0])

    assert before == ([], [])
    assert await entered(store) == [1]


async def test_two_processes_that_hear_the_same_enter_it_once(store: Mongo) -> None:
    async def persistently() -> None:
        for _ in range(50):
            try:
                return await receive(store, *VERSIONS[:2])
            except TransientError:
                await asyncio.sleep(0.01)
        raise AssertionError

    await asyncio.gather(persistently(), persistently())

    assert await entered(store) == [1, 2]


@given(st.lists(st.lists(st.sampled_from(VERSIONS), min_size=1, max_size=4), min_size=1, max_size=6))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_however_they_come_each_is_entered_once(store: Mongo, batches: list[list[Any]]) -> None:
    for name in ("mappings", "observations", "audit_entries", "audit_heads"):
        await store.all_tenants(name).remove({})

    for batch in batches:
        await receive(store, *batch)

    assert sorted(await entered(store)) == sorted({one.revision for batch in batches for one in batch})


def test_a_decision_is_entered_at_the_moment_at_which_it_was_made() -> None:
    earlier = NOW - timedelta(days=3)

    assert decision_draft(a_mapping("account", "acme", "9", decided_at=earlier)).at == earlier
