"""A person finishes mapping: from now on the mappings are billed by."""

from collections.abc import Callable, Mapping
from functools import partial

from matcher.catalogue.lookups import find_connected_integration
from matcher.finishing.models import FinishRecord, FinishRequest
from matcher.finishing.ports import FinishStore, FinishUnitOfWork
from shared.contracts.base import Side, utc
from shared.contracts.matcher import MappingFinished, MappingKind
from shared.errors import Conflict
from shared.runtime.clock import Clock


class FinishService:
    """Publishes that mapping is finished, once for each idempotency key."""

    def __init__(self, store: FinishStore, clock: Clock, new_id: Callable[[], str]) -> None:
        self._store, self._clock, self._new_id = store, clock, new_id

    async def finish(self, request: FinishRequest) -> MappingFinished:
        """Returns the message, for a repeated key that of the first request.

        Raises `NotFound` when an integration is unknown, and `Conflict` when one is disconnected, when no
        account or no service is mapped between them, or when the key came with other integrations before.
        """
        return await self._store.run_unit_of_work(request.tenant_id, partial(self._record, request=request))

    async def _record(self, unit_of_work: FinishUnitOfWork, *, request: FinishRequest) -> MappingFinished:
        # A unit of work may run again: of several ids made, only the stored one is answered and published.
        finish_id = self._new_id()
        record_id = request.idempotency_key or finish_id
        if earlier := await unit_of_work.finish_record(record_id):
            return _repeated(earlier, request)
        await find_connected_integration(unit_of_work, request.vendor_integration_id, Side.VENDOR)
        await find_connected_integration(unit_of_work, request.psa_integration_id, Side.PSA)
        approved = await unit_of_work.approved_counts(
            request.vendor_integration_id, request.psa_integration_id
        )
        _require_each_kind(approved, request)
        excluded = await unit_of_work.excluded_counts(request.vendor_integration_id)
        event = MappingFinished(
            tenant_id=request.tenant_id,
            vendor_integration_id=request.vendor_integration_id,
            psa_integration_id=request.psa_integration_id,
            finish_id=finish_id,
            counts={f"{kind}s_mapped": approved.get(kind, 0) for kind in MappingKind}
            | {f"{kind}s_excluded": excluded.get(kind, 0) for kind in MappingKind},
            finished_by=request.by,
            finished_at=utc(self._clock()),
        )
        await unit_of_work.record_finish(FinishRecord(record_id, event))
        return event


def _repeated(earlier: FinishRecord, request: FinishRequest) -> MappingFinished:
    event = earlier.event
    if (event.vendor_integration_id, event.psa_integration_id) != (
        request.vendor_integration_id,
        request.psa_integration_id,
    ):
        raise Conflict(f"the idempotency key {earlier.id} belongs to another finish: send a new one")
    return event


def _require_each_kind(approved: Mapping[MappingKind, int], request: FinishRequest) -> None:
    missing = [kind.value for kind in MappingKind if not approved.get(kind)]
    if missing:
        raise Conflict(
            f"no {' and no '.join(missing)} of {request.vendor_integration_id} is mapped to "
            f"{request.psa_integration_id}: map at least one of each, then finish"
        )
