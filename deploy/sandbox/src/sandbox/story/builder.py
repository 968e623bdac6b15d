"""Builds both sides of the story from a seed, one scenario line after the other."""

# The same seed and day always build the same story, byte by byte: everything random comes from one generator
# that is seeded with the seed alone, and is drawn from in a fixed order (accounts, PSA master data, scenario
# lines, ended subscriptions, the reseller's own access, PSA-only lines).  Inserting a draw in the middle
# changes every id and number after it; a new kind of line is therefore added at the end.

from dataclasses import dataclass, field
from datetime import date
from random import Random

from sandbox.connectwise.psa import PsaState
from sandbox.ingram.marketplace import MarketplaceState
from sandbox.story.directory import Directory
from sandbox.story.psa_side import PsaSide
from sandbox.story.scenario import ENDED, LINES, PSA_ONLY, Quantities, ScenarioLine, draw_quantities
from sandbox.story.vendor_side import VendorSide


@dataclass(frozen=True, slots=True)
class BuiltLine:
    """A scenario line with its numbers and the ids of the subscriptions and agreement lines made for it."""

    line: ScenarioLine
    quantities: Quantities
    agreement_ids: tuple[int, ...]
    subscription_ids: tuple[str, ...]
    addition_ids: tuple[int, ...]


@dataclass(slots=True)
class BuiltStory:
    """The story as it was built; `vendor` and `psa` translate fixture keys to the ids of either side."""

    seed: int
    vendor: VendorSide
    psa: PsaSide
    lines: list[BuiltLine] = field(default_factory=list)


def build_story(seed: int, today: date, marketplace: MarketplaceState, psa: PsaState) -> BuiltStory:
    """Fill the marketplace and the PSA, and return what was put into them."""
    rng = Random(f"story {seed}")  # noqa: S311 - a scenario, not a secret
    directory = Directory(seed)
    vendor_side, psa_side = (
        VendorSide(marketplace, rng, today, directory),
        PsaSide(psa, rng, today, directory),
    )
    story = BuiltStory(seed, vendor_side, psa_side)
    story.vendor.add_customers()
    story.psa.add_master_data()
    for line in LINES:
        numbers = draw_quantities(line, rng)
        subscription_ids = story.vendor.sell_line(line, numbers.bought)
        agreement_ids, addition_ids = story.psa.bill_line(line, numbers.billed)
        built = BuiltLine(line, numbers, tuple(agreement_ids), tuple(subscription_ids), tuple(addition_ids))
        story.lines.append(built)
    for ended in ENDED:
        story.vendor.sell_ended(ended)
    story.vendor.sell_api_access()
    for psa_only in PSA_ONLY:
        story.psa.bill_psa_only(psa_only)
    return story
