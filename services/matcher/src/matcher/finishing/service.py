"""A person finishes mapping: from now on the mappings are billed by. Before, how far they have come."""

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial

from matcher.catalogue.items import VENDOR_KINDS
from matcher.catalogue.lookups import disconnected_sentence, find_integration
from matcher.catalogue.ports import SuggestionReader
from matcher.finishing.models import FinishRecord, FinishRequest, Readiness
from matcher.finishing.ports import FinishStore, FinishUnitOfWork, ProgressReader, UnmappedLines
from matcher.finishing.progress import Progress, ProgressQuery, progress_of
from matcher.uncompared_usage.models import UncomparedUsage
from shared.contracts.base import Side, utc
from shared.contracts.matcher import MappingDecision, MappingFinished, MappingKind
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

    async def preview(self, tenant_id: str, vendor_id: str, psa_id: str) -> Readiness:
        """Returns whether these two could be finished now; raises `NotFound` when one is unknown."""
        return await self._store.read(tenant_id, partial(_readiness, vendor_id=vendor_id, psa_id=psa_id))

    async def _record(self, unit_of_work: FinishUnitOfWork, *, request: FinishRequest) -> MappingFinished:
        # A unit of work may run again: of several ids made, only the stored one is answered and published.
        finish_id = self._new_id()
        record_id = request.idempotency_key or finish_id
        if earlier := await unit_of_work.finish_record(record_id):
            return _repeated(earlier, request)
        readiness = await _readiness(unit_of_work, request.vendor_integration_id, request.psa_integration_id)
        if readiness.objection:
            raise Conflict(readiness.objection)
        event = MappingFinished(
            tenant_id=request.tenant_id,
            vendor_integration_id=request.vendor_integration_id,
            psa_integration_id=request.psa_integration_id,
            finish_id=finish_id,
            counts=readiness.counts,
            finished_by=request.by,
            finished_at=utc(self._clock()),
        )
        await unit_of_work.record_finish(FinishRecord(record_id, event))
        return event


class ProgressService:
    """Counts how far mapping has come."""

    def __init__(self, reader: ProgressReader, suggestions: SuggestionReader, usage: UnmappedLines) -> None:
        self._reader, self._suggestions, self._usage = reader, suggestions, usage

    async def progress(self, query: ProgressQuery) -> Progress:
        """Returns the numbers at this moment; all are zero for an integration that the tenant has not."""
        if not query.search:
            return await self._reader.progress(query)
        kind = VENDOR_KINDS[query.kind]
        suggested = await self._suggestions.suggested_items(query.tenant_id, kind)
        items = [
            replace(item, is_suggested=(item.integration_id, item.id) in suggested)
            for item in await self._reader.items(query)
        ]
        return progress_of(query, items, await self._reader.decided(query, {item.id for item in items}))

    async def uncompared(self, tenant_id: str, vendor_id: str) -> UncomparedUsage:
        """Returns what of a vendor is not compared because an account or a service is not mapped.

        Billing stated the lines a moment ago; what was decided since counts as decided.
        """
        lines = [line async for line in self._usage.unmapped_lines(tenant_id, vendor_id)]
        accounts = {line.account_id for line in lines}
        services = {line.service_id for line in lines if line.service_id is not None}
        of_accounts = ProgressQuery(tenant_id, MappingKind.ACCOUNT, vendor_id)
        of_services = ProgressQuery(tenant_id, MappingKind.SERVICE, vendor_id)
        by_account = await self._decisions(of_accounts, accounts)
        by_service = await self._decisions(of_services, services)
        usage = UncomparedUsage()
        for line in lines:
            account, service = by_account.get(line.account_id), by_service.get(line.service_id)
            if MappingDecision.EXCLUDED not in (account, service):  # else it shall not be compared
                usage = usage.plus(line, no_account=account is None, no_service=service is None)
        return usage

    async def _decisions(
        self, query: ProgressQuery, ids: Collection[str]
    ) -> dict[str | None, MappingDecision]:
        decided = await self._reader.decided(query, ids)
        standing = [one for one in decided if one.decision is not MappingDecision.REVOKED]
        return {one.vendor_id: one.decision for one in standing}


def _repeated(earlier: FinishRecord, request: FinishRequest) -> MappingFinished:
    event = earlier.event
    if (event.vendor_integration_id, event.psa_integration_id) != (
        request.vendor_integration_id,
        request.psa_integration_id,
    ):
        raise Conflict(f"the idempotency key {earlier.id} belongs to another finish: send a new one")
    return event


async def _readiness(unit_of_work: FinishUnitOfWork, vendor_id: str, psa_id: str) -> Readiness:
    """Raises `NotFound` when the tenant has no such integration."""
    vendor = await find_integration(unit_of_work, vendor_id, Side.VENDOR)
    psa = await find_integration(unit_of_work, psa_id, Side.PSA)
    approved = await unit_of_work.approved_counts(vendor_id, psa_id)
    excluded = await unit_of_work.excluded_counts(vendor_id)
    counts = {f"{kind}s_mapped": approved.get(kind, 0) for kind in MappingKind}
    counts |= {f"{kind}s_excluded": excluded.get(kind, 0) for kind in MappingKind}
    missing = tuple(kind for kind in MappingKind if not approved.get(kind))
    for integration in (vendor, psa):
        if not integration.connected:
            return Readiness(counts, missing, disconnected_sentence(integration))
    if not missing:
        return Readiness(counts)
    return Readiness(
        counts,
        missing,
        f"no {' and no '.join(kind.value for kind in missing)} of {vendor_id} is mapped to {psa_id}: "
        "map at least one of each, then finish",
    )
