"""How proposals are shown to people."""

from pydantic import BaseModel, Field

from matcher.catalogue.items import Item
from matcher.proposals.service import NamedProposals
from shared.contracts.matcher import MappingKind, ProposalReason, ProposedItem


class ProposalResponse(BaseModel):
    """A PSA item that the vendor item may be, and why."""

    psa_integration_id: str
    psa_id: str
    name: str
    code: str | None
    """A company's identifier, or the *Product ID*."""
    probability_per_mille: int = Field(description="That this is the one.", examples=[962])
    margin_per_mille: int = Field(
        description="The probability less that of the likeliest other one; negative for all but the first.",
        examples=[940],
    )
    reasons: tuple[ProposalReason, ...] = Field(description="What weighed most comes first.")

    @classmethod
    def of(cls, proposed: ProposedItem, item: Item) -> "ProposalResponse":
        return cls(**dict(proposed), name=item.name, code=item.code)


class ProposalsResponse(BaseModel):
    """What is proposed for one vendor item, the likeliest first, at most five."""

    kind: MappingKind
    vendor_integration_id: str
    vendor_id: str
    revision: int = Field(description="0 while nothing was ever proposed.", examples=[1796026530000000])
    proposals: tuple[ProposalResponse, ...]

    @classmethod
    def of(cls, named: NamedProposals) -> "ProposalsResponse":
        asked = named.question
        return cls(
            kind=asked.kind,
            vendor_integration_id=asked.vendor_integration_id,
            vendor_id=asked.vendor_id,
            revision=named.revision,
            proposals=tuple(ProposalResponse.of(*one) for one in named.proposals),
        )
