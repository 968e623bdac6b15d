"""Tells the story: builds both sides from a seed, line by line of the plot."""

from dataclasses import dataclass, field
from datetime import date
from random import Random

from sandbox.connectwise.psa import PsaState
from sandbox.ingram.marketplace import MarketplaceState
from sandbox.story.psa_side import PsaSide
from sandbox.story.scenario import ENDED, EXTRAS, LINES, Quantities, ScenarioLine, quantities
from sandbox.story.vendor_side import VendorSide


@dataclass(frozen=True, slots=True)
class BuiltStory:
    """A line of the plot with the subscriptions and agreement lines that were made of it."""

    line: ScenarioLine
    quantities: Quantities
    agreement_ids: tuple[int, ...]
    subscription_ids: tuple[str, ...]
    addition_ids: tuple[int, ...]


@dataclass(slots=True)
class StoryBuilder:
    """What was told, and the keys of the cast as ids of either side."""

    seed: int
    vendor: VendorSide
    psa: PsaSide
    lines: list[BuiltStory] = field(default_factory=list)


def tell(seed: int, today: date, marketplace: MarketplaceState, psa: PsaState) -> StoryBuilder:
    """Fill marketplace and PSA; the same seed and day always tell the same story."""
    dice = Random(f"story {seed}")  # noqa: S311 - a scenario, not a secret
    story = StoryBuilder(seed, VendorSide(marketplace, dice, today), PsaSide(psa, dice, today))
    story.vendor.open_accounts()
    story.psa.open_books()
    for line in LINES:
        story.lines.append(_told(line, story, dice))
    for ended in ENDED:
        story.vendor.end(ended)
    story.vendor.sell_own_access()
    for extra in EXTRAS:
        story.psa.bill_extra(extra)
    return story


def _told(line: ScenarioLine, story: StoryBuilder, dice: Random) -> BuiltStory:
    numbers = quantities(line, dice)
    sold = story.vendor.sell_line(line, numbers.bought)
    agreements, billed = story.psa.bill_line(line, numbers.billed)
    return BuiltStory(line, numbers, tuple(agreements), tuple(sold), tuple(billed))
