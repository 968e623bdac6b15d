"""Makes of what the engine ranks what is stored and published for one vendor item."""

# Invariant: a statement depends on the ranking and the refusals alone. A refused item is left out, and the
# probabilities of the others stay as they are: that two are not one says nothing about a third.
#
#   ranked: 9 0.71, 8 0.22, 7 0.05     9 refused → 8 220 ‰ (+170 ‰), 7 50 ‰ (-170 ‰)

from collections.abc import Mapping, Sequence

from matcher.catalogue.items import IntegrationInfo, Item
from matcher.proposals.models import ProposalInputs, RankedItem, psa_key_of, refusal_id
from shared.contracts.matcher import MappingsProposed, ProposedItem

_MOST_PROPOSALS = 5


def empty_statement(vendor: IntegrationInfo, item: Item) -> MappingsProposed:
    """Returns that nothing is proposed for a vendor item, without a revision."""
    return MappingsProposed(
        tenant_id=item.tenant_id,
        revision=0,
        kind=item.kind.mapping_kind,
        vendor_provider=vendor.provider,
        vendor_realm=vendor.realm,
        vendor_integration_id=vendor.integration_id,
        vendor_id=item.id,
    )


def statement_of(
    nothing: MappingsProposed,
    ranked: Sequence[RankedItem],
    psa_items: Mapping[str, Item],
    inputs: ProposalInputs,
) -> MappingsProposed:
    """Returns what is proposed in place of `nothing`; `psa_items` are by item key."""
    listed = list[ProposedItem]()
    for one in ranked:
        item = psa_items[one.psa_key]
        psa_key = psa_key_of(inputs.integrations[item.integration_id], item.id)
        if refusal_id(nothing.key, psa_key) not in inputs.refused:
            listed.append(
                ProposedItem(
                    psa_integration_id=item.integration_id,
                    psa_id=item.id,
                    probability_per_mille=round(one.probability * 1000),
                    margin_per_mille=0,
                    reasons=one.reasons,
                )
            )
    return nothing.model_copy(update={"proposals": with_margins(listed[:_MOST_PROPOSALS])})


def with_margins(listed: Sequence[ProposedItem]) -> tuple[ProposedItem, ...]:
    """Returns the items, the likeliest first, each with what it is ahead of the likeliest other one."""
    likeliest = [one.probability_per_mille for one in listed[:2]]
    first, second = (*likeliest, 0, 0)[:2]
    return tuple(
        one.model_copy(update={"margin_per_mille": one.probability_per_mille - (first if place else second)})
        for place, one in enumerate(listed)
    )
