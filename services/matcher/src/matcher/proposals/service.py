"""What is proposed for one vendor item, and a person's word that two items are not one."""

# Invariant: what a person refused is gone from the answer at once, and no later pass brings it back: the
# refusal is stored together with the state without it. A pass that read the refusals before may store the
# former state after; so a refusal marks the tenant, and the next pass takes it out again. Each refusal and
# each withdrawal is told once, with a revision of its own; the same again is no news.

from dataclasses import dataclass
from functools import partial

from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS, IntegrationInfo, Item, VendorItemRef
from matcher.catalogue.lookups import find_integration, find_item
from matcher.proposals.models import (
    next_proposal_revision,
    psa_key_of,
    refusal_id,
)
from matcher.proposals.ports import ProposalStore, ProposalUnit
from matcher.proposals.statement import empty_statement, with_margins
from shared.contracts.base import Side, key_of
from shared.contracts.matcher import MappingsProposed, ProposalRefused, ProposedItem
from shared.runtime.clock import Clock

_VENDOR_FIELDS = {
    "tenant_id",
    "kind",
    "vendor_provider",
    "vendor_realm",
    "vendor_integration_id",
    "vendor_id",
}
"""What a refusal tells of the vendor item, as its proposals do."""


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """Names the PSA item that a person says it is not."""

    psa_integration_id: str
    psa_id: str
    by: str


@dataclass(frozen=True, slots=True)
class NamedProposals:
    """What is proposed for a vendor item, each with the PSA item as it is now."""

    question: VendorItemRef
    revision: int
    """0 while nothing was ever proposed."""
    proposals: tuple[tuple[ProposedItem, Item], ...]


class ProposalService:
    """Answers what is proposed, and remembers what is refused."""

    def __init__(self, store: ProposalStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def proposals(self, question: VendorItemRef) -> NamedProposals:
        """Raises `NotFound` for a vendor item or an integration that is not there."""
        return await self._store.run(question.tenant_id, partial(_answer, question=question))

    async def refuse(self, question: VendorItemRef, refused: RefusedItem) -> NamedProposals:
        """Raises `NotFound` for an item or an integration that is not there."""
        work = partial(self._refuse, question=question, refused=refused)
        return await self._store.run(question.tenant_id, work)

    async def withdraw(self, question: VendorItemRef, refused: RefusedItem) -> NamedProposals:
        """Lets a refused item be proposed again, by the next pass; nothing to withdraw changes nothing.

        Raises `NotFound` for a vendor item or an integration that is not there.
        """
        work = partial(self._withdraw, question=question, refused=refused)
        return await self._store.run(question.tenant_id, work)

    async def _refuse(
        self, unit: ProposalUnit, *, question: VendorItemRef, refused: RefusedItem
    ) -> NamedProposals:
        nothing = await _nothing(unit, question)
        psa = await find_integration(unit, refused.psa_integration_id, Side.PSA)
        item = await find_item(unit, PSA_KINDS[question.kind], psa, refused.psa_id)
        at = self._clock()
        await self._say(unit, nothing, (psa, item.id), stands=True, by=refused.by)
        stated = await unit.proposed(nothing.key)
        left = [one for one in stated.proposals if not _is(one, psa, item)] if stated else []
        if stated and len(left) < len(stated.proposals):
            changes = {
                "revision": next_proposal_revision(stated.revision, at),
                "proposals": with_margins(left),
            }
            await unit.replace(stated.model_copy(update=changes))
        return await _answer(unit, question)

    async def _withdraw(
        self, unit: ProposalUnit, *, question: VendorItemRef, refused: RefusedItem
    ) -> NamedProposals:
        nothing = await _nothing(unit, question)
        psa = await find_integration(unit, refused.psa_integration_id, Side.PSA)
        await self._say(unit, nothing, (psa, refused.psa_id), stands=False, by=refused.by)
        return await _answer(unit, question)

    async def _say(
        self,
        unit: ProposalUnit,
        item: MappingsProposed,
        psa: tuple[IntegrationInfo, str],
        *,
        stands: bool,
        by: str,
    ) -> None:
        """Records whether two items are refused, unless it is so already; `item` tells the vendor item."""
        integration, psa_id = psa
        id_ = refusal_id(item.key, psa_key_of(integration, psa_id))
        status = await unit.refusal(id_)
        if stands == bool(status and status.stands):
            return
        at = self._clock()
        said = ProposalRefused(
            revision=next_proposal_revision(status.revision if status else None, at),
            psa_provider=integration.provider,
            psa_realm=integration.realm,
            psa_integration_id=integration.integration_id,
            psa_id=psa_id,
            stands=stands,
            decided_by=by,
            decided_at=at,
            **item.model_dump(include=_VENDOR_FIELDS),
        )
        await unit.record_refusal(id_, said)
        await unit.mark(item.kind)


async def _nothing(unit: ProposalUnit, question: VendorItemRef) -> MappingsProposed:
    """Returns the empty state of the item; its key is that of what is stored."""
    vendor = await find_integration(unit, question.vendor_integration_id, Side.VENDOR)
    return empty_statement(
        vendor, await find_item(unit, VENDOR_KINDS[question.kind], vendor, question.vendor_id)
    )


async def _answer(unit: ProposalUnit, question: VendorItemRef) -> NamedProposals:
    nothing = await _nothing(unit, question)
    stated = await unit.proposed(nothing.key) or nothing
    keys = [key_of(question.tenant_id, one.psa_integration_id, one.psa_id) for one in stated.proposals]
    items = {item.key: item for item in await unit.items(PSA_KINDS[question.kind], keys)}
    named = [(one, items[key]) for one, key in zip(stated.proposals, keys, strict=True) if key in items]
    return NamedProposals(question, stated.revision, tuple(named))


def _is(proposed: ProposedItem, psa: IntegrationInfo, item: Item) -> bool:
    return (proposed.psa_integration_id, proposed.psa_id) == (psa.integration_id, item.id)
