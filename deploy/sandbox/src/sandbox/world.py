"""Everything the sandbox consists of, put together from its settings."""

from dataclasses import dataclass
from datetime import UTC, date, timedelta

from sandbox.clock import Clock
from sandbox.connectwise.addition_writer import AdditionWriter
from sandbox.connectwise.api import ConnectWiseApi
from sandbox.connectwise.psa import PsaState
from sandbox.cuts import Cutter
from sandbox.identity import Identity, identity_of
from sandbox.ingram.api import IngramApi
from sandbox.ingram.marketplace import MarketplaceState
from sandbox.journal import Journal
from sandbox.settings import Settings
from sandbox.story.builder import StoryBuilder, tell
from sandbox.story.bulk import Bulk
from sandbox.story.month import Month
from sandbox.switches import Switchboard


@dataclass(frozen=True, slots=True)
class World:
    """One simulated world: two providers, what was asked of them, and how they behave now."""

    clock: Clock
    identity: Identity
    marketplace: MarketplaceState
    psa: PsaState
    story: StoryBuilder
    month: Month
    journal: Journal
    switches: Switchboard
    cutter: Cutter
    ingram: IngramApi
    connectwise: ConnectWiseApi

    @property
    def today(self) -> date:
        return self.clock().astimezone(UTC).date()


def make_world(settings: Settings, clock: Clock) -> World:
    marketplace = MarketplaceState(timedelta(seconds=settings.token_life_seconds))
    psa, journal, switches = PsaState(clock), Journal(), Switchboard()
    identity, today = identity_of(settings.seed), clock().astimezone(UTC).date()
    story = tell(settings.seed, today, marketplace, psa)
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
        cutter=Cutter(),
        ingram=IngramApi(marketplace, identity, clock),
        connectwise=ConnectWiseApi(psa, writer, identity, switches),
    )
