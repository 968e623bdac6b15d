"""Finishing asks for a mapping of each kind, and starts one sync."""

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

from shared.contracts.auth import IntegrationStatus
from shared.contracts.matcher import MappingFinished
from shared.errors import Conflict, NotFound

ACCOUNTS = (an_integration(), a_psa(), a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso"))
SERVICES = (a_service("s1", "Mail"), a_product("p1", "Mail"))


async def test_finishing_is_published_with_counts(world: MatcherWorld) -> None:
    await world.receive(*ACCOUNTS, *SERVICES, a_vendor_account("2", "Our own"))
    await world.exclude("2")

    await world.finish()

    (finished,) = [message for message in await world.published() if isinstance(message, MappingFinished)]
    assert (finished.vendor_integration_id, finished.psa_integration_id, finished.finished_by) == (
        VENDOR,
        PSA,
        "ann",
    )
    assert finished.counts == {
        "accounts_mapped": 1,
        "services_mapped": 1,
        "accounts_excluded": 1,
        "services_excluded": 0,
    }


async def test_what_is_missing_is_named(world: MatcherWorld) -> None:
    await world.receive(*ACCOUNTS)

    with pytest.raises(Conflict, match="no service of int_vendor is mapped to int_psa: map at least one"):
        await world.finish()


async def test_a_mapping_to_another_psa_does_not_count(world: MatcherWorld) -> None:
    await world.receive(*ACCOUNTS, *SERVICES, a_psa("int_other"))

    with pytest.raises(Conflict, match="no account and no service of int_vendor is mapped to int_other"):
        await world.finish(psa="int_other")


async def test_an_unknown_psa_cannot_be_finished_with(world: MatcherWorld) -> None:
    await world.receive(*ACCOUNTS, *SERVICES)

    with pytest.raises(NotFound, match="no psa integration int_vendor"):
        await world.finish(psa=VENDOR)


async def test_a_disconnected_psa_cannot_be_finished_with(world: MatcherWorld) -> None:
    await world.receive(*ACCOUNTS, *SERVICES, a_psa(status=IntegrationStatus.DISCONNECTED, revision=2))

    with pytest.raises(Conflict, match="is disconnected: reconnect it"):
        await world.finish()


async def test_the_same_key_twice_finishes_once(world: MatcherWorld) -> None:
    await world.receive(*ACCOUNTS, *SERVICES)

    first, again = await world.finish("k1"), await world.finish("k1")

    assert again == first
    assert sum(isinstance(message, MappingFinished) for message in await world.published()) == 1


async def test_without_a_key_each_finish_is_its_own(world: MatcherWorld) -> None:
    await world.receive(*ACCOUNTS, *SERVICES)

    first, second = await world.finish(), await world.finish()

    assert first.finish_id != second.finish_id


async def test_a_key_belongs_to_one_pair(world: MatcherWorld) -> None:
    await world.receive(*ACCOUNTS, *SERVICES)
    await world.finish("k1")

    with pytest.raises(Conflict, match="the idempotency key k1 belongs to another finish"):
        await world.finish("k1", psa="int_other")
