"""What a person decides about one vendor item; the exact rule never overrules it."""

from functools import partial

from matcher.mappings.decider import decide
from matcher.mappings.models import DecisionRecord, ItemDecision, fingerprint_of, record_id
from matcher.mappings.ports import MappingStore, UnitOfWork
from shared.contracts.matcher import MappingDecided
from shared.runtime.clock import Clock


class MappingService:
    """Maps, excludes, revokes and undoes. The same decision again stores and publishes nothing."""

    def __init__(self, store: MappingStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def decide(self, request: ItemDecision, idempotency_key: str | None = None) -> MappingDecided:
        """Returns the mapping as it is then; for a repeated key, as it was after the first request.

        Raises what `decider.decide` raises, and `Conflict` for a key that came with another request before.
        What was refused is not kept: the same key is judged anew.
        """
        work = partial(self._decide, request=request, idempotency_key=idempotency_key)
        return await self._store.run_unit_of_work(request.item.tenant_id, work)

    async def _decide(
        self, unit_of_work: UnitOfWork, *, request: ItemDecision, idempotency_key: str | None
    ) -> MappingDecided:
        at = self._clock()
        if idempotency_key is None:
            return (await decide(unit_of_work, request, at)).decided
        id_, fingerprint = record_id(request, idempotency_key), fingerprint_of(request)
        if earlier := await unit_of_work.decision_record(id_):
            earlier.require_same(fingerprint, idempotency_key)
            return earlier.outcomes[0].decided
        outcome = await decide(unit_of_work, request, at)
        await unit_of_work.record_outcomes(DecisionRecord(id_, fingerprint, (outcome,), at))
        return outcome.decided
