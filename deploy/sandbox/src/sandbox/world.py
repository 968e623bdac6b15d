"""Builds everything that the sandbox consists of from its settings."""

from dataclasses import dataclass
from datetime import UTC, date, timedelta

from sandbox.clock import Clock
from sandbox.connectwise.addition_writer import AdditionWriter
from sandbox.connectwise.api import ConnectWiseApi
from sandbox.connectwise.psa import PsaState
from sandbox.cuts import ConnectionCutter
from sandbox.identity import Identity, derive_identity
from sandbox.ingram.api import IngramApi
from sandbox.ingram.marketplace import MarketplaceState
from sandbox.journal import Journal
from sandbox.settings import Settings
from sandbox.story.builder import BuiltStory, build_story
from sandbox.story.bulk import Bulk
from sandbox.story.month import Month
from sandbox.story.sister_company import build_sister_company
from sandbox.switches import Switchboard


@dataclass(frozen=True, slots=True)
class World:
    """One simulated world: two providers with their state, the journal of their calls, and their switches."""

    clock: Clock
    identity: Identity
    marketplace: MarketplaceState
    psa: PsaState
    story: BuiltStory
    month: Month
    journal: Journal
    switches: Switchboard
    cutter: ConnectionCutter
    ingram: IngramApi
    connectwise: ConnectWiseApi

    @property
    def today(self) -> date:
        return self.clock().astimezone(UTC).date()


def make_world(settings: Settings, clock: Clock) -> World:
    """Return a world seeded with the story and, after it, the generated subscriptions."""
    marketplace = MarketplaceState(timedelta(seconds=settings.token_life_seconds))
    psa, journal, switches = PsaState(clock), Journal(), Switchboard()
    identity, today = derive_identity(settings.seed), clock().astimezone(UTC).date()
    sister = build_sister_company(marketplace.tokens.lifetime, today)
    story = build_story(settings.seed, today, marketplace, psa)
    # After the story: the story's ids are then the same with and without generated subscriptions.
    Bulk(settings.seed, today, marketplace, psa).generate(settings.subscriptions)
    writer = AdditionWriter(psa, journal, switches, clock)
    return World(
        clock=clock,
        identity=identity,
        marketplace=marketplace,
        psa=psa,
        story=story,
        month=Month(story, marketplace),
        journal=journal,
        switches=switches,
        cutter=ConnectionCutter(),
        ingram=IngramApi(marketplace, sister, identity, clock, switches),
        connectwise=ConnectWiseApi(psa, writer, identity, switches),
    )
