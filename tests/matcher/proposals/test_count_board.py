"""What waits to be mapped is counted by each pass, and shown beside the runs of the marketplace."""

import pytest
from catalogue_builders import (
    PSA,
    VENDOR,
    a_product,
    a_psa,
    a_psa_account,
    a_service,
    a_vendor_account,
    an_integration,
)
from matcher_world import MatcherWorld

from matcher.mappings.models import MapTo, PsaItemRef
from matcher.proposals.count_board import CountBoard
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Side
from shared.errors import TransientError
from shared.mapping_counts import KindCounts, MappingCounts


class ShownCounts:
    """A board that remembers; while `away` it cannot be written."""

    def __init__(self) -> None:
        self.shown: dict[tuple[str, str], MappingCounts] = {}
        self.away = False

    async def show_mapping(self, tenant_id: str, integration_id: str, counts: MappingCounts) -> None:
        if self.away:
            raise TransientError("Redis does not answer")
        self.shown[tenant_id, integration_id] = counts


@pytest.fixture
async def known(world: MatcherWorld) -> MatcherWorld:
    """Two accounts with proposals, one of them likely; one without; one mapped by itself; one service."""
    await world.receive(
        an_integration(),
        a_psa(),
        a_vendor_account("1", "Contoso Dental Care"),
        a_psa_account("9", "Contoso Dental Care LLC"),
        a_vendor_account("2", "Northwind Traders"),
        a_psa_account("7", "Northwind Traders"),
        a_vendor_account("3", "Zzyzx Quarry"),
        a_service("s", "Microsoft 365 Business Premium", "CFQ7"),
        a_product("p", "M365 Business Premium - monthly", "M365-BP"),
    )
    await world.propose()
    return world


async def shown(world: MatcherWorld) -> MappingCounts:
    board = ShownCounts()
    await CountBoard(world.passes, board).show()
    return board.shown["demo", VENDOR]


async def test_undecided_proposed_and_likely_ones_are_counted_of_both_kinds(known: MatcherWorld) -> None:
    counts = await shown(known)

    assert counts.accounts == KindCounts(undecided=2, proposed=1, likely=1)
    assert (counts.services.undecided, counts.services.proposed) == (1, 1)


async def test_a_decision_is_counted_by_the_next_pass(known: MatcherWorld) -> None:
    await known.decide("1", MapTo(PsaItemRef(PSA, "9")))
    await known.exclude("3")
    await known.propose()

    assert (await shown(known)).accounts == KindCounts()


async def test_items_without_a_psa_to_compare_with_are_undecided(world: MatcherWorld) -> None:
    await world.receive(an_integration(), a_vendor_account("1", "Contoso Dental"))
    await world.propose()

    assert (await shown(world)).accounts == KindCounts(undecided=1)


async def test_nothing_waits_of_a_marketplace_that_was_disconnected(known: MatcherWorld) -> None:
    gone = an_integration(VENDOR, Side.VENDOR, status=IntegrationStatus.DISCONNECTED, revision=2)
    await known.ingest([gone])
    await known.match()
    await known.propose()

    assert await shown(known) == MappingCounts()


async def test_what_could_not_be_shown_is_shown_later(known: MatcherWorld) -> None:
    board = ShownCounts()
    counts = CountBoard(known.passes, board)
    board.away = True
    await counts.show()
    board.away = False

    await counts.show()

    assert board.shown["demo", VENDOR].accounts.undecided == 2
