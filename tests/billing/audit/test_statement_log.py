"""Each refusal of a proposal and each withdrawal is in the audit log once: who, when, and of what."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from observation_builders import NOW, TENANT

from billing.app import INDEXES
from billing.audit.chain import AuditDraft, verify
from billing.audit.repository import AuditLog
from billing.audit.statement_log import StatementLog, refusal_draft
from shared.contracts.matcher import MappingKind, ProposalRefused
from shared.errors import TransientError
from shared.mongo import Mongo, Session

pytestmark = pytest.mark.server


def a_refusal(revision: int, *, psa_id: str = "9", tenant_id: str = TENANT) -> ProposalRefused:
    """Refused by odd revisions, withdrawn by even ones."""
    return ProposalRefused(
        tenant_id=tenant_id,
        revision=revision,
        kind=MappingKind.ACCOUNT,
        vendor_provider="ingram-micro",
        vendor_realm="us",
        vendor_integration_id="int_vendor",
        vendor_id="acme",
        psa_provider="connectwise",
        psa_realm="north",
        psa_integration_id="int_psa",
        psa_id=psa_id,
        stands=revision % 2 == 1,
        decided_by="per_maria",
        decided_at=NOW + timedelta(minutes=revision),
    )


TOLD = [a_refusal(revision, psa_id=str(revision % 3)) for revision in range(1, 7)]


@pytest.fixture
async def store(mongo: Mongo) -> Mongo:
    await mongo.ensure(INDEXES)
    return mongo


async def hear(mongo: Mongo, *told: ProposalRefused) -> None:
    """Enter refusals as a process does that has just begun."""
    await StatementLog(mongo, AuditLog(mongo)).enter(told)


async def exported(mongo: Mongo, tenant_id: str = TENANT) -> list[dict[str, Any]]:
    """Returns the entries of the log, which proves itself."""
    audit = AuditLog(mongo)
    head = await audit.head(tenant_id)
    lines = [entry.line async for entry in audit.entries(tenant_id, until=head)]
    assert verify(lines, head=head).intact
    return [json.loads(line) for line in lines]


async def entered(mongo: Mongo) -> list[int]:
    return [entry["details"]["revision"] for entry in await exported(mongo)]


def test_an_entry_says_who_refused_what_and_when() -> None:
    draft = refusal_draft(a_refusal(1))

    assert (draft.at, draft.actor) == (NOW + timedelta(minutes=1), "per_maria")
    assert draft.action == "proposal.refused"
    assert (draft.details["vendor_id"], draft.details["psa_id"]) == ("acme", "9")


def test_a_withdrawal_is_an_entry_of_its_own_on_the_same_subject() -> None:
    refused, withdrawn = refusal_draft(a_refusal(1)), refusal_draft(a_refusal(2))

    assert withdrawn.action == "proposal.refusal-withdrawn"
    assert withdrawn.subject == refused.subject


async def test_what_comes_together_is_entered_in_the_order_in_which_it_was_said(store: Mongo) -> None:
    await hear(store, TOLD[1], TOLD[0])

    assert await entered(store) == [1, 2]


async def test_what_comes_again_or_late_is_entered_once(store: Mongo) -> None:
    await hear(store, TOLD[2])
    await hear(store, TOLD[0], TOLD[2], TOLD[0])
    await hear(store, TOLD[0])

    assert await entered(store) == [3, 1]


async def test_tenants_have_chains_of_their_own(store: Mongo) -> None:
    await hear(store, a_refusal(1), a_refusal(1, tenant_id="other"))

    assert len(await exported(store)) == len(await exported(store, "other")) == 1


async def test_a_refusal_and_its_entry_are_stored_together_or_not_at_all(store: Mongo) -> None:
    class Dying(AuditLog):
        async def append(self, tenant_id: str, drafts: Any, *, session: Session) -> None:
            await super().append(tenant_id, drafts, session=session)
            raise TransientError("the process ends here")

    with pytest.raises(TransientError):
        await StatementLog(store, Dying(store)).enter(TOLD[:1])
    before = await exported(store)

    await hear(store, TOLD[0])

    assert before == []
    assert await entered(store) == [1]


async def test_refusals_and_other_entries_make_one_chain(store: Mongo) -> None:
    audit = AuditLog(store)

    async def append(session: Session) -> None:
        await audit.append(TENANT, [AuditDraft(NOW, "ann", "approved", "line:1")], session=session)

    await store.transaction(append)
    await hear(store, TOLD[0])

    assert [entry["action"] for entry in await exported(store)] == ["approved", "proposal.refused"]


async def test_two_processes_that_hear_the_same_enter_it_once(store: Mongo) -> None:
    async def persistently() -> None:
        for _ in range(50):
            try:
                return await hear(store, *TOLD[:2])
            except TransientError:
                await asyncio.sleep(0.01)
        raise AssertionError

    await asyncio.gather(persistently(), persistently())

    assert await entered(store) == [1, 2]


@given(st.lists(st.lists(st.sampled_from(TOLD), min_size=1, max_size=4), min_size=1, max_size=6))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_however_they_come_each_is_entered_once(
    store: Mongo, batches: list[list[ProposalRefused]]
) -> None:
    for name in ("audited_statements", "audit_entries", "audit_heads"):
        await store.all_tenants(name).remove({})

    for batch in batches:
        await hear(store, *batch)

    assert sorted(await entered(store)) == sorted({one.revision for batch in batches for one in batch})
