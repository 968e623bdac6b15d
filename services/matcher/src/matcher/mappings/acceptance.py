"""Accepts the best proposals of many vendor items at once, as many as a person saw."""

# Invariant: what is accepted is what was counted. The request is planned once: its decisions are stored under
# its key before the first is made, each on the revision that it was counted on. Killed anywhere, the same
# request goes on with the same plan, and what somebody else decided meanwhile is a conflict, not overruled:
#
#   expected 214, found 214   plan stored   100 decided   killed   the same key: the plan again, 114 decided
#   expected 214, found 215   → refused with both numbers, and nothing is stored
#
# Two customers of one marketplace are seldom one company, so two that share their best proposal, or share it
# with one that is mapped already, are left to a person. Services are often one product: each term is one.

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from matcher.mappings.acceptance_models import AcceptableProposal, AcceptancePlan, AcceptQuery, CountDiffers
from matcher.mappings.decision_batches import DecisionBatchService
from matcher.mappings.models import DecisionOutcome, ItemDecision, MapTo
from matcher.mappings.ports import AcceptanceStore
from shared.contracts.base import key_of
from shared.contracts.matcher import MappingKind, MappingMethod
from shared.errors import Conflict
from shared.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class AcceptableProposals:
    """What would be accepted now."""

    proposals: Sequence[AcceptableProposal]
    shared: int
    """How many are left to a person, because they share their PSA company with another customer."""


class AcceptanceService:
    """Accepts many proposals of one tenant."""

    def __init__(self, store: AcceptanceStore, batches: DecisionBatchService, clock: Clock) -> None:
        self._store, self._batches, self._clock = store, batches, clock

    async def acceptable(self, query: AcceptQuery) -> AcceptableProposals:
        """Returns what `accept` would accept at this moment."""
        found = await self._store.best_undecided(query)
        if query.kind is not MappingKind.ACCOUNT:
            return AcceptableProposals(found, 0)
        number = Counter((one.item.vendor_integration_id, one.target) for one in found)
        taken = await self._store.mapped_from(query.tenant_id, query.kind, {one.target for one in found})
        alone = [
            one
            for one in found
            if number[end := (one.item.vendor_integration_id, one.target)] == 1 and end not in taken
        ]
        return AcceptableProposals(alone, len(found) - len(alone))

    async def accept(
        self, query: AcceptQuery, by: str, *, expected_count: int, idempotency_key: str
    ) -> list[tuple[ItemDecision, DecisionOutcome]]:
        """Returns what became of each; for a repeated key what became of it at first.

        Raises `CountDiffers`, and `Conflict` for a key that came with another request before.
        """
        id_ = key_of(query.tenant_id, by, idempotency_key)
        fingerprint = _fingerprint(query, expected_count)
        plan = await self._store.plan(id_, query.tenant_id)
        if plan is None:
            found = (await self.acceptable(query)).proposals
            if len(found) != expected_count:
                raise CountDiffers(expected_count, len(found))
            decisions = tuple(
                ItemDecision(one.item, MapTo(one.target, MappingMethod.PROPOSAL), by, one.seen_revision)
                for one in found
            )
            made = AcceptancePlan(id_, fingerprint, decisions, self._clock())
            await self._store.record_plan(made, query.tenant_id)
            # Of two requests with one key at the same time the plan that was stored first counts for both.
            plan = await self._store.plan(id_, query.tenant_id) or made
        if plan.fingerprint != fingerprint:
            raise Conflict(
                f"the idempotency key {idempotency_key} belongs to another request: send a new one"
            )
        outcomes = await self._batches.decide(plan.decisions, idempotency_key) if plan.decisions else []
        return list(zip(plan.decisions, outcomes, strict=True))


def _fingerprint(query: AcceptQuery, expected_count: int) -> str:
    # Not since when an item is new: without a word about it that is another moment each time.
    asked = [
        query.kind.value,
        query.min_per_mille,
        query.vendor_integration_id,
        query.search,
        sorted(query.ids),
        expected_count,
    ]
    return sha256(repr(asked).encode()).hexdigest()
