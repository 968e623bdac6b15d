import asyncio
from typing import Any

import pytest
from lines import AT, PSA, VENDOR, Connected, an_integration

from billing.runs.repository import SyncRepository
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
    await sync_requests(mongo).start_after_mapping(a_finish())

    vendor, psa = await commands(mongo, SyncVendor), await commands(mongo, SyncPsa)
    assert [(command.integration_id, command.sync_id) for command in vendor] == [(VENDOR, "fin_1")]
    assert [(command.integration_id, command.sync_id) for command in psa] == [(PSA, "fin_1")]
    assert {command.kind for command in [*vendor, *psa]} == {RunKind.FULL}
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


async def test_a_finish_that_is_delivered_again_even_at_once_starts_one_sync(mongo: Mongo) -> None:
    await mongo.ensure(OUTBOX_INDEXES)
    await asyncio.gather(*(sync_requests(mongo).start_after_mapping(a_finish()) for _ in range(4)))

    await sync_requests(mongo).start_after_mapping(a_finish())

    assert len(await commands(mongo, SyncVendor)) == len(await commands(mongo, SyncPsa)) == 1
    assert await mongo.documents("syncs", "demo").count() == 1


async def test_a_person_syncs_every_active_integration_and_no_other(mongo: Mongo) -> None:
    known = [
        an_integration(),
        an_integration(VENDOR, side=Side.VENDOR),
        an_integration("int_pending", side=Side.VENDOR, status=IntegrationStatus.PENDING),
        an_integration("int_gone", status=IntegrationStatus.DISCONNECTED),
        an_integration("int_theirs", tenant_id="other"),
    ]

    sync = await sync_requests(mongo, *known).start("demo", "ann", RunKind.QUICK)

    assert set(sync.integration_ids) == {PSA, VENDOR}
    assert [command.integration_id for command in await commands(mongo, SyncVendor)] == [VENDOR]
    assert [(command.sync_id, command.kind) for command in await commands(mongo, SyncPsa)] == [
        (sync.sync_id, RunKind.QUICK)
    ]


async def test_with_nothing_active_there_is_nothing_to_sync(mongo: Mongo) -> None:
    pending = an_integration(status=IntegrationStatus.PENDING)

    with pytest.raises(Conflict, match="finish mapping first"):
        await sync_requests(mongo, pending).start("demo", "ann", RunKind.FULL)

    assert await mongo.documents("syncs", "demo").count() == 0


def sync_requests(mongo: Mongo, *known: Any) -> SyncRequestService:
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


async def commands(mongo: Mongo, kind: type[SyncVendor] | type[SyncPsa]) -> list[SyncVendor | SyncPsa]:
    rows = await mongo.all_tenants("outbox").find({"topic": kind.topic})
    return [kind.model_validate_json(bytes(row["body"])) for row in rows]
