"""Many decisions in one request, each for itself: what cannot be decided holds up no other."""

# Invariant: a part of the request, `_ITEMS_PER_PART` decisions, is stored together with the record of what
# came of it. So a request that was cut off goes on behind its last part when it is sent again, and no
# decision is made twice; within a decision nothing is half applied, for each is judged before it is written:
#
#   220 decisions, killed in the second part   stored: part 0
#   the same key again   part 0: as recorded   parts 1, 2: decided now

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from matcher.mappings.decider import decide
from matcher.mappings.decision_buffer import load_buffer
from matcher.mappings.models import (
    ChosenItemMissing,
    DecisionOutcome,
    DecisionRecord,
    DecisionRefusal,
    DecisionRefused,
    ItemDecision,
    OutcomeStatus,
    fingerprint_of,
    record_id,
)
from matcher.mappings.ports import DecisionUnit, MappingStore, UnitOfWork
from shared.errors import NotFound, RuleBroken
from shared.runtime.clock import Clock

_ITEMS_PER_PART = 100
"""A short transaction: other decisions of the tenant wait for it."""


class DecisionBatchService:
    """Decides on many vendor items of one tenant."""

    def __init__(self, store: MappingStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def decide(self, requests: Sequence[ItemDecision], idempotency_key: str) -> list[DecisionOutcome]:
        """Returns what became of each decision, in order; for a repeated key what became of it at first.

        Raises `Conflict` for a key that came with another request before.
        """
        fingerprint = f"batch {fingerprint_of(*requests)}"
        outcomes: list[DecisionOutcome] = []
        for part, first in enumerate(range(0, len(requests), _ITEMS_PER_PART)):
            of_part = requests[first : first + _ITEMS_PER_PART]
            work = partial(
                self._decide_part,
                requests=of_part,
                id_=record_id(of_part[0], idempotency_key, part),
                fingerprint=fingerprint,
                idempotency_key=idempotency_key,
            )
            outcomes += await self._store.run_unit_of_work(of_part[0].item.tenant_id, work)
        return outcomes

    async def _decide_part(
        self,
        unit_of_work: UnitOfWork,
        *,
        requests: Sequence[ItemDecision],
        id_: str,
        fingerprint: str,
        idempotency_key: str,
    ) -> Sequence[DecisionOutcome]:
        if earlier := await unit_of_work.decision_record(id_):
            earlier.require_same(fingerprint, idempotency_key)
            return earlier.outcomes
        at = self._clock()
        buffer = await load_buffer(unit_of_work, requests)
        outcomes = tuple([await _outcome(buffer, request, at) for request in requests])
        await buffer.flush()
        await unit_of_work.record_outcomes(DecisionRecord(id_, fingerprint, outcomes, at))
        return outcomes


async def _outcome(unit: DecisionUnit, request: ItemDecision, at: datetime) -> DecisionOutcome:
    try:
        return await decide(unit, request, at)
    except DecisionRefused as refused:
        is_conflict = refused.refusal is DecisionRefusal.DECIDED_MEANWHILE
        status = OutcomeStatus.CONFLICT if is_conflict else OutcomeStatus.REFUSED
        return DecisionOutcome(status, refused.existing, refused.refusal, str(refused))
    except NotFound as missing:
        existing = missing.existing if isinstance(missing, ChosenItemMissing) else None
        return DecisionOutcome(OutcomeStatus.REFUSED, existing, DecisionRefusal.NOT_FOUND, str(missing))
    except RuleBroken as broken:  # `NotFound` is one as well
        return DecisionOutcome(OutcomeStatus.REFUSED, None, DecisionRefusal.RULES_REFUSED, str(broken))
