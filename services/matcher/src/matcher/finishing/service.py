"""Finishing: a person says that enough is mapped to bill by it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from matcher.mappings.lookups import connected
from matcher.mappings.ports import Clock, FinishRecord, MatcherStore, UnitOfWork
from shared.contracts.base import Side, utc
from shared.contracts.matcher import MappingFinished, MappingKind
from shared.errors import Conflict


@dataclass(frozen=True, slots=True)
class FinishRequest:
    """Who wants to finish what; the same idempotency key is the same wish."""

    tenant_id: str
    vendor_integration_id: str
    psa_integration_id: str
    by: str
    idempotency_key: str | None = None


class FinishService:
    """Publishes that mapping is finished, once for each idempotency key."""

    def __init__(self, store: MatcherStore, clock: Clock, new_id: Callable[[], str]) -> None:
        self._store, self._clock, self._new_id = store, clock, new_id

    async def finish(self, wish: FinishRequest) -> MappingFinished:
        """Raises `NotFound` or `Conflict` with what is missing."""
        return await self._store.turn(wish.tenant_id, partial(self._finished, wish=wish))

    async def _finished(self, turn: UnitOfWork, *, wish: FinishRequest) -> MappingFinished:
        # A turn may run again: of two ids made, only the one that is stored is ever told.
        finish_id = self._new_id()
        key = wish.idempotency_key or finish_id
        if earlier := await turn.finish(key):
            return _repeated(earlier, wish)
        await _check(turn, wish)
        event = MappingFinished(
            tenant_id=wish.tenant_id,
            vendor_integration_id=wish.vendor_integration_id,
            psa_integration_id=wish.psa_integration_id,
            finish_id=finish_id,
            counts=await _counts(turn, wish),
            finished_by=wish.by,
            finished_at=utc(self._clock()),
        )
        await turn.record_finish(FinishRecord(key, event))
        return event


def _repeated(earlier: FinishRecord, wish: FinishRequest) -> MappingFinished:
    event = earlier.event
    if (event.vendor_integration_id, event.psa_integration_id) != (
        wish.vendor_integration_id,
        wish.psa_integration_id,
    ):
        raise Conflict(f"the idempotency key {earlier.id} belongs to another finish: send a new one")
    return event


async def _check(turn: UnitOfWork, wish: FinishRequest) -> None:
    await connected(turn, wish.vendor_integration_id, Side.VENDOR)
    await connected(turn, wish.psa_integration_id, Side.PSA)
    mapped = await turn.approved(wish.vendor_integration_id, wish.psa_integration_id)
    missing = [kind.value for kind in MappingKind if not mapped.get(kind)]
    if missing:
        raise Conflict(
            f"no {' and no '.join(missing)} of {wish.vendor_integration_id} is mapped to "
            f"{wish.psa_integration_id}: map at least one of each, then finish"
        )


async def _counts(turn: UnitOfWork, wish: FinishRequest) -> dict[str, int]:
    mapped = await turn.approved(wish.vendor_integration_id, wish.psa_integration_id)
    excluded = await turn.excluded(wish.vendor_integration_id)
    return {f"{kind}s_mapped": mapped.get(kind, 0) for kind in MappingKind} | {
        f"{kind}s_excluded": excluded.get(kind, 0) for kind in MappingKind
    }
