"""Computes a tenant's proposals of one kind anew, when its items or decisions have changed."""

# Invariant: once the queue is empty, what is stored is what the engine proposes for the present items, less
# what was refused and what is decided. What a pass completes it reads before its inputs, so news that comes
# meanwhile starts another one; killed before it completes anything, it is repeated and finds less to store.
# Only what differs is stored, so a state is published once:
#
#   news a   pass 1 reads {a}, then the items   news b   pass 1 stores, completes {a}   {b} is left: pass 2
#
# Passes are late on purpose: a run tells of thousands of items within a minute, and one pass sees all.
# Each marketplace is compared by itself: a company that buys in two of them is one company of the PSA.

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog

from matcher.catalogue.items import VENDOR_KINDS, IntegrationInfo, Item
from matcher.proposals.models import (
    DueRecomputation,
    PassBasis,
    ProposalInputs,
    ProposalPass,
    RankedItem,
    RankingBasis,
    StoredProposals,
    digest_of,
    proposal_key,
    vendor_key_of,
)
from matcher.proposals.ports import DecidedItems, PassStore, ProposalEngine
from matcher.proposals.statement import empty_statement, statement_of
from shared.contracts.base import Side
from shared.contracts.matcher import MappingDecision, MappingKind, MappingsProposed
from shared.errors import TransientError
from shared.mapping_counts import KindCounts
from shared.runtime.attempt import attempt
from shared.runtime.backoff import Backoff
from shared.runtime.clock import Clock

log = structlog.get_logger()

QUIET = timedelta(seconds=3)
"""So long nothing must have changed …"""
LONGEST_WAIT = timedelta(minutes=1)
"""… unless the oldest change has waited so long."""
_STATES_PER_TRANSACTION = 250
_MOST_BASES = 16
"""Each may name thousands of items; who is not among them is computed as a whole."""
_LIKELY_PER_MILLE = 900
_DECIDED = (MappingDecision.APPROVED, MappingDecision.EXCLUDED)


@dataclass(slots=True)
class _Found:
    """What a pass has found so far."""

    stated: dict[str, MappingsProposed] = field(default_factory=dict)
    """What is to be stated, by key."""
    keys: dict[str, set[str]] = field(default_factory=dict)
    """By marketplace, the keys of all that is or stays stated."""
    undecided: dict[str, int] = field(default_factory=dict)
    """By marketplace, how many items are."""
    rankings: dict[str, RankingBasis] = field(default_factory=dict)
    """By marketplace, what the next pass may build on."""


class ProposalRecomputation:
    """Works off what has changed, one tenant's proposals of one kind at a time."""

    def __init__(
        self,
        store: PassStore,
        decided: DecidedItems,
        engine: ProposalEngine,
        clock: Clock,
        *,
        quiet: timedelta = QUIET,
    ) -> None:
        """`quiet` is how long nothing must have changed before a pass begins."""
        self._store, self._decided, self._engine, self._clock = store, decided, engine, clock
        self._quiet, self._backoff = quiet, Backoff[tuple[str, MappingKind]](clock)
        self._bases = dict[tuple[str, MappingKind], PassBasis]()
        """What the last passes of this replica have stored."""

    async def take_over(self) -> None:
        """Has computed anew what a replica of another release computed; call it when this one begins to."""
        await self._store.mark_outdated()

    async def process_next(self) -> bool:
        """Computes what has waited longest; returns whether there was anything.

        What fails is left alone for a minute, so that the other tenants do not wait for it: that the engine
        died may be the fault of this tenant's lists.
        """
        due = [one for one in await self._store.due() if self._is_ripe(one)]
        due = [one for one in due if self._backoff.ready((one.tenant_id, one.kind))]
        if not due:
            return False
        first = min(due, key=lambda one: one.oldest)
        outcome = await attempt(self._compute(first.tenant_id, first.kind))
        if isinstance(outcome, Exception):
            self._backoff.failed((first.tenant_id, first.kind))
            say = log.warning if isinstance(outcome, TransientError) else log.error
            say("proposals_set_aside", tenant_id=first.tenant_id, kind=first.kind, exc_info=outcome)
        return True

    def _is_ripe(self, one: DueRecomputation) -> bool:
        now = self._clock()
        return now - one.newest >= self._quiet or now - one.oldest >= LONGEST_WAIT

    async def _compute(self, tenant_id: str, kind: MappingKind) -> None:
        pass_ = await self._store.begin(tenant_id, kind)
        basis = self._bases.pop((tenant_id, kind), None)
        inputs = await self._store.inputs(tenant_id, kind)
        found = await self._rank(pass_, inputs, basis if basis and basis.number + 1 == pass_.number else None)
        stored = await self._store.stored(tenant_id, kind)
        changed = await asyncio.to_thread(_changes, stored, found.stated)
        for first in range(0, len(changed), _STATES_PER_TRANSACTION):
            of_part = changed[first : first + _STATES_PER_TRANSACTION]
            await self._store.record(pass_, of_part, self._clock())
        keys = set().union(*found.keys.values())
        gone = [key for key, one in sorted(stored.items()) if not one.is_empty and key not in keys]
        await self._store.retract(pass_, gone, self._clock())
        await self._store.complete(pass_, _counts(inputs, found, stored))
        self._bases[tenant_id, kind] = PassBasis(pass_.number, inputs.refusals, found.rankings)
        if len(self._bases) > _MOST_BASES:
            del self._bases[next(iter(self._bases))]
        log.info("proposals_computed", tenant_id=tenant_id, kind=kind, changed=len(changed), gone=len(gone))

    async def _rank(self, pass_: ProposalPass, inputs: ProposalInputs, basis: PassBasis | None) -> _Found:
        """Returns what is to be stated: of every undecided item, or where it may differ from the basis."""
        decided = await self._decided.decided_items(pass_.tenant_id, VENDOR_KINDS[pass_.kind], _DECIDED)
        vendors, psas = (_connected(inputs, side) for side in (Side.VENDOR, Side.PSA))
        psa_items = [item for item in inputs.psa_items if item.integration_id in psas]
        by_key = {item.key: item for item in psa_items}
        said = inputs.refusals.items() ^ basis.refusals.items() if basis else ()
        reconsidered = {vendor_key_of(refusal) for refusal, _ in said}
        found = _Found()
        for id_, vendor in vendors.items():
            items = [item for item in inputs.vendor_items if item.integration_id == id_]
            undecided = {item.key: item for item in items if (item.integration_id, item.id) not in decided}
            found.undecided[id_] = len(undecided)
            if not undecided or not psa_items:
                continue
            found.keys[id_] = {proposal_key(vendor, item) for item in undecided.values()}
            former = basis.rankings.get(id_) if basis else None
            wanted = _wanted(undecided, vendor, former, reconsidered) if former else ()
            ranking = await self._engine.rank(
                pass_.kind, items, psa_items, since=former.token if former else None, wanted=wanted
            )
            restated = [item for key, item in undecided.items() if ranking.is_whole or key in ranking.ranked]
            states = partial(_states, restated, ranking.ranked, by_key, vendor=vendor, inputs=inputs)
            found.stated |= await asyncio.to_thread(states)  # of thousands of items: the loop stays free
            if ranking.token:
                found.rankings[id_] = RankingBasis(ranking.token, frozenset(undecided))
        return found


def _wanted(
    undecided: Mapping[str, Item],
    vendor: IntegrationInfo,
    former: RankingBasis,
    reconsidered: Collection[str],
) -> list[str]:
    """Returns the keys of the items that were decided on before, or of which a refusal has changed.

    `reconsidered` are the keys of proposals, not of items.
    """
    return [
        key
        for key, item in undecided.items()
        if key not in former.undecided or (reconsidered and proposal_key(vendor, item) in reconsidered)
    ]


def _counts(
    inputs: ProposalInputs, found: _Found, stored: Mapping[str, StoredProposals]
) -> dict[str, KindCounts]:
    """Returns by marketplace what waits; nothing waits of one that is disconnected."""
    counts = {id_: KindCounts() for id_, one in inputs.integrations.items() if one.side is Side.VENDOR}
    for id_, undecided in found.undecided.items():
        best = [_best_per_mille(key, found.stated, stored) for key in found.keys.get(id_, ())]
        counts[id_] = KindCounts(
            undecided=undecided,
            proposed=sum(one > 0 for one in best),
            likely=sum(one >= _LIKELY_PER_MILLE for one in best),
        )
    return counts


def _best_per_mille(
    key: str, stated: Mapping[str, MappingsProposed], stored: Mapping[str, StoredProposals]
) -> int:
    if key in stated:
        return max((one.probability_per_mille for one in stated[key].proposals), default=0)
    return stored[key].best_per_mille if key in stored else 0


def _states(
    undecided: Sequence[Item],
    ranked: Mapping[str, Sequence[RankedItem]],
    psa_items: Mapping[str, Item],
    *,
    vendor: IntegrationInfo,
    inputs: ProposalInputs,
) -> dict[str, MappingsProposed]:
    stated = dict[str, MappingsProposed]()
    for item in undecided:
        nothing = empty_statement(vendor, item)
        stated[nothing.key] = statement_of(nothing, ranked.get(item.key, ()), psa_items, inputs)
    return stated


def _changes(
    stored: Mapping[str, StoredProposals], stated: Mapping[str, MappingsProposed]
) -> list[MappingsProposed]:
    return [one for key, one in sorted(stated.items()) if _differs(stored.get(key), one)]


def _connected(inputs: ProposalInputs, side: Side) -> dict[str, IntegrationInfo]:
    ordered = sorted(inputs.integrations.items())
    return {id_: one for id_, one in ordered if one.side is side and one.connected}


def _differs(stored: StoredProposals | None, stated: MappingsProposed) -> bool:
    """Whether a state is news; that nothing is proposed for an item is none unless something was."""
    if stored is None or stored.is_empty:
        return bool(stated.proposals)
    return stored.digest != digest_of(stated)
