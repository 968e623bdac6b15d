"""Proposals of known probability, in place of what the engine would find."""

from catalogue_builders import NOW, PSA, VENDOR
from matcher_http import MatcherClient

from shared.contracts.matcher import MappingKind, MappingsProposed, ProposedItem


async def propose(
    matcher: MatcherClient,
    probabilities: dict[str, int],
    kind: MappingKind = MappingKind.ACCOUNT,
    **targets: str,
) -> None:
    """Store that each vendor item is so likely the PSA item of its own id, or of its target."""
    stated = [
        MappingsProposed(
            tenant_id="demo",
            revision=1,
            kind=kind,
            vendor_provider="ingram-micro",
            vendor_realm=f"realm of {VENDOR}",
            vendor_integration_id=VENDOR,
            vendor_id=vendor_id,
            proposals=(
                ProposedItem(
                    psa_integration_id=PSA,
                    psa_id=targets.get(f"to_{vendor_id}", vendor_id),
                    probability_per_mille=probability,
                    margin_per_mille=0,
                ),
            ),
        )
        for vendor_id, probability in probabilities.items()
    ]
    pass_ = await matcher.world.passes.begin("demo", kind)
    await matcher.world.passes.record(pass_, stated, NOW)
