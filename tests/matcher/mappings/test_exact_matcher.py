"""Exact matching as news comes in."""

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

from matcher.catalogue.ingestor import ItemObserved
from shared.contracts.auth import IntegrationStatus
from shared.contracts.matcher import MappingDecision, MappingMethod

CONTOSO = (an_integration(), a_psa(), a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso"))


async def test_what_belongs_together_is_mapped_and_published_by_itself(world: MatcherWorld) -> None:
    await world.receive(
        an_integration(), a_psa(), a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso")
    )

    mapping = (await world.newest_mappings())["1"]
    assert (mapping.psa_id, mapping.method, mapping.decided_by) == ("9", MappingMethod.EXACT, "trueup")
    assert (mapping.vendor_realm, mapping.psa_realm) == (f"realm of {VENDOR}", f"realm of {PSA}")


async def test_the_same_news_again_publishes_nothing_more(world: MatcherWorld) -> None:
    news = [an_integration(), a_psa(), a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso")]
    await world.receive(*news)

    await world.receive(*news)

    assert len(await world.published()) == 1


async def test_nothing_is_mapped_before_the_integrations_are_known(world: MatcherWorld) -> None:
    await world.receive(a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso"), a_psa())
    before = await world.mapped()

    await world.receive(an_integration())

    assert (before, await world.mapped()) == ({}, {"1": "9"})


async def test_a_second_account_of_the_name_unmaps_the_first_while_pending(world: MatcherWorld) -> None:
    await world.receive(
        an_integration(), a_psa(), a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso")
    )

    await world.receive(a_vendor_account("2", "Contoso"))

    mapping = (await world.newest_mappings())["1"]
    assert (mapping.decision, mapping.method) == (MappingDecision.REVOKED, MappingMethod.EXACT)


async def test_when_the_name_is_alone_again_the_account_is_mapped_again(world: MatcherWorld) -> None:
    await world.receive(
        an_integration(), a_psa(), a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso")
    )
    await world.receive(a_psa_account("8", "Contoso"))

    await world.receive(a_psa_account("8", "Contoso of Old", revision=2))

    assert await world.mapped() == {"1": "9"}


async def test_a_rename_moves_the_mapping_while_pending(world: MatcherWorld) -> None:
    await world.receive(an_integration(), a_psa(), a_psa_account("8", "Old"), a_psa_account("9", "New"))
    await world.receive(a_vendor_account("1", "Old"))

    await world.receive(a_vendor_account("1", "New", revision=2))

    assert await world.mapped() == {"1": "9"}


async def test_a_rename_frees_the_name_for_another(world: MatcherWorld) -> None:
    await world.receive(an_integration(), a_psa(), a_psa_account("9", "Contoso"))
    await world.receive(a_vendor_account("1", "Contoso"), a_vendor_account("2", "Contoso"))

    await world.receive(a_vendor_account("2", "Fabrikam", revision=2))

    assert await world.mapped() == {"1": "9"}


async def test_an_older_name_that_comes_late_changes_nothing(world: MatcherWorld) -> None:
    await world.receive(an_integration(), a_psa(), a_psa_account("9", "New"), a_psa_account("8", "Old"))
    await world.receive(a_vendor_account("1", "New", revision=2))

    await world.receive(a_vendor_account("1", "Old", revision=1))

    assert await world.mapped() == {"1": "9"}


async def test_services_are_mapped_by_part_number_then_by_name(world: MatcherWorld) -> None:
    await world.receive(an_integration(), a_psa(), a_service("s1", "Mail", "MPN-1"), a_service("s2", "Files"))

    await world.receive(a_product("p1", "Post", "MPN-1"), a_product("p2", "Files", "F"))

    assert await world.mapped() == {"s1": "p1", "s2": "p2"}


async def test_after_a_person_finished_nothing_is_unmapped_but_new_accounts_are_mapped(
    world: MatcherWorld,
) -> None:
    await world.receive(
        an_integration(), a_psa(), a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso")
    )
    await world.receive(a_service("s1", "Mail"), a_product("p1", "Mail"))
    await world.finish()

    await world.receive(a_vendor_account("2", "Contoso"), a_vendor_account("1", "Renamed", revision=2))
    await world.receive(a_vendor_account("3", "Fabrikam"), a_psa_account("7", "Fabrikam"))

    assert {"1": "9", "3": "7", "s1": "p1"}.items() <= (await world.mapped()).items()


@pytest.mark.parametrize(
    "renamed", [a_vendor_account("1", "Fabrikam", revision=2), a_psa_account("9", "Fab", revision=2)]
)
async def test_once_active_a_rename_unmaps_nothing(world: MatcherWorld, renamed: ItemObserved) -> None:
    await world.receive(*CONTOSO, an_integration(status=IntegrationStatus.ACTIVE, revision=2))

    await world.receive(renamed, a_psa_account("8", "Fabrikam"))

    assert await world.mapped() == {"1": "9"}


@pytest.mark.parametrize("rival", [a_psa_account("8", "Contoso"), a_vendor_account("2", "Contoso")])
async def test_once_active_a_name_that_has_become_ambiguous_is_unmapped_all_the_same(
    world: MatcherWorld, rival: ItemObserved
) -> None:
    await world.receive(*CONTOSO, an_integration(status=IntegrationStatus.ACTIVE, revision=2))

    await world.receive(rival)

    mapping = (await world.newest_mappings())["1"]
    assert await world.mapped() == {}
    assert (mapping.decision, mapping.method, mapping.decided_by) == ("revoked", "exact", "trueup")


async def test_disconnecting_either_end_changes_nothing(world: MatcherWorld) -> None:
    await world.receive(
        an_integration(), a_psa(), a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso")
    )

    await world.receive(a_psa(status=IntegrationStatus.DISCONNECTED, revision=2))
    await world.receive(an_integration(status=IntegrationStatus.DISCONNECTED, revision=2))

    assert len(await world.published()) == 1


async def test_a_disconnected_psa_is_no_rival_of_the_one_that_took_its_place(world: MatcherWorld) -> None:
    old = {"integration_id": "int_old"}
    await world.receive(an_integration(), a_psa("int_old", status=IntegrationStatus.DISCONNECTED), a_psa())
    await world.receive(a_psa_account("1", "Contoso", **old), a_psa_account("9", "Contoso"))

    await world.receive(a_vendor_account("1", "Contoso"))

    assert await world.mapped() == {"1": "9"}


async def test_a_large_integration_is_matched_in_batches(world: MatcherWorld) -> None:
    vendor = [a_vendor_account(f"v{number}", f"Name {number}") for number in range(40)]
    psa = [a_psa_account(f"p{number}", f"Name {number}") for number in range(40)]
    await world.receive(*vendor, *psa)

    await world.receive(a_psa(), an_integration())

    assert await world.mapped() == {f"v{number}": f"p{number}" for number in range(40)}
