import asyncio
from typing import Any

import pytest
from lines import AT, PSA, VENDOR, Connected, an_integration

from billing.runs.sync_repository import SyncRepository
from billing.runs.sync_requests import SyncRequestService
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import RunKind, Side
from shared.contracts.matcher import MappingFinished
from shared.contracts.psa_sync import SyncPsa
from shared.contracts.vendor_sync import SyncVendor
from shared.errors import Conflict
from shared.mongo import Mongo
from shared.outbox import OUTBOX_INDEXES, Outbox


async def test_a_finished_mapping_syncs_both_sides_under_one_id(mongo: Mongo) -> None:
    await a_syncing(mongo).finish(a_finish())

    vendor, psa = await said(mongo, SyncVendor), await said(mongo, SyncPsa)
    assert [(one.integration_id, one.sync_id) for one in vendor] == [(VENDOR, "fin_1")]
    assert [(one.integration_id, one.sync_id) for one in psa] == [(PSA, "fin_1")]
    assert {one.kind for one in [*vendor, *psa]} == {RunKind.FULL}
    assert await mongo.documents("syncs", "demo").find() == [
        {
            "_id": "demo:fin_1",
            "tenant_id": "demo",
            "sync_id": "fin_1",
            "integration_ids": [VENDOR, PSA],
            "kind": "full",
            "asked_by": "ann",
            "requested_at": AT,
        }
    ]


async def test_finishing_heard_twice_even_at_once_starts_one_sync(mongo: Mongo) -> None:
    await mongo.ensure(OUTBOX_INDEXES)
    await asyncio.gather(*(a_syncing(mongo).finish(a_finish()) for _ in range(4)))

    await a_syncing(mongo).finish(a_finish())

    assert len(await said(mongo, SyncVendor)) == len(await said(mongo, SyncPsa)) == 1
    assert await mongo.documents("syncs", "demo").count() == 1


async def test_a_person_syncs_every_active_integration_and_no_other(mongo: Mongo) -> None:
    known = [
        an_integration(),
        an_integration(VENDOR, side=Side.VENDOR),
        an_integration("int_pending", side=Side.VENDOR, status=IntegrationStatus.PENDING),
        an_integration("int_gone", status=IntegrationStatus.DISCONNECTED),
        an_integration("int_theirs", tenant_id="other"),
    ]

    sync = await a_syncing(mongo, *known).request("demo", "ann", RunKind.QUICK)

    assert set(sync.integration_ids) == {PSA, VENDOR}
    assert [one.integration_id for one in await said(mongo, SyncVendor)] == [VENDOR]
    assert [(one.sync_id, one.kind) for one in await said(mongo, SyncPsa)] == [(sync.sync_id, RunKind.QUICK)]


async def test_with_nothing_active_there_is_nothing_to_sync(mongo: Mongo) -> None:
    pending = an_integration(status=IntegrationStatus.PENDING)

    with pytest.raises(Conflict, match="finish mapping first"):
        await a_syncing(mongo, pending).request("demo", "ann", RunKind.FULL)

    assert await mongo.documents("syncs", "demo").count() == 0


def a_syncing(mongo: Mongo, *known: Any) -> SyncRequestService:
    return SyncRequestService(
        SyncRepository(mongo, Outbox(mongo, "billing")), Connected(*known), clock=lambda: AT
    )


def a_finish() -> MappingFinished:
    return MappingFinished(
        tenant_id="demo",
        vendor_integration_id=VENDOR,
        psa_integration_id=PSA,
        finish_id="fin_1",
        counts={"account": 1, "service": 1},
        finished_by="ann",
        finished_at=AT,
    )


async def said(mongo: Mongo, kind: type[SyncVendor] | type[SyncPsa]) -> list[SyncVendor | SyncPsa]:
    rows = await mongo.all_tenants("outbox").find({"topic": kind.topic})
    return [kind.model_validate_json(bytes(row["body"])) for row in rows]
