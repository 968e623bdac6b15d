"""Everything the sandbox consists of, put together from its settings."""

from dataclasses import dataclass
from datetime import UTC, date, timedelta

from sandbox.clock import Clock
from sandbox.connectwise.api import ConnectWise
from sandbox.connectwise.psa import Psa
from sandbox.connectwise.writing import Writer
from sandbox.cuts import Cutter
from sandbox.identity import Identity, identity_of
from sandbox.ingram.api import Ingram
from sandbox.ingram.marketplace import Marketplace
from sandbox.journal import Journal
from sandbox.settings import Settings
from sandbox.story.bulk import Bulk
from sandbox.story.month import Month
from sandbox.story.seeding import Story, tell
from sandbox.switches import Switchboard


@dataclass(frozen=True, slots=True)
class World:
    """One simulated world: two providers, what was asked of them, and how they behave now."""

    clock: Clock
    identity: Identity
    marketplace: Marketplace
    psa: Psa
    story: Story
    month: Month
    journal: Journal
    switches: Switchboard
    cutter: Cutter
    ingram: Ingram
    connectwise: ConnectWise

    @property
    def today(self) -> date:
        return self.clock().astimezone(UTC).date()


def make_world(settings: Settings, clock: Clock) -> World:
    marketplace = Marketplace(timedelta(seconds=settings.token_life_seconds))
    psa, journal, switches = Psa(clock), Journal(), Switchboard()
    identity, today = identity_of(settings.seed), clock().astimezone(UTC).date()
    story = tell(settings.seed, today, marketplace, psa)
    Bulk(settings.seed, today, marketplace, psa).generate(settings.subscriptions)
    writer = Writer(psa, journal, switches, clock)
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
        ingram=Ingram(marketplace, identity, clock),
        connectwise=ConnectWise(psa, writer, identity, switches),
    )
