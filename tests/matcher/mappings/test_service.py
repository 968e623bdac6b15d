"""What a person decides stays decided."""

import pytest
from catalogue_builders import a_product, a_psa, a_psa_account, a_service, a_vendor_account, an_integration
from matcher_world import MatcherWorld

from shared.contracts.auth import IntegrationStatus
from shared.contracts.matcher import MappingDecision, MappingMethod
from shared.errors import Conflict, NotFound

CONNECTED = (an_integration(), a_psa())
CONTOSO = (*CONNECTED, a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso"))


async def test_a_person_maps_what_is_not_named_alike(world: MatcherWorld) -> None:
    await world.receive(*CONNECTED, a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso Ltd"))

    await world.approve("1", "9")

    mapping = (await world.newest_mappings())["1"]
    assert (mapping.psa_id, mapping.method, mapping.decided_by) == ("9", MappingMethod.MANUAL, "ann")


async def test_the_same_decision_again_publishes_nothing(world: MatcherWorld) -> None:
    await world.receive(*CONNECTED, a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso Ltd"))
    first = await world.approve("1", "9")

    again = await world.approve("1", "9")

    assert again == first
    assert len(await world.published()) == 1


async def test_a_person_who_confirms_what_was_mapped_by_itself_makes_it_theirs(world: MatcherWorld) -> None:
    await world.receive(*CONTOSO)
    await world.approve("1", "9")

    await world.receive(a_vendor_account("2", "Contoso"))

    mapping = (await world.newest_mappings())["1"]
    assert (mapping.decision, mapping.method) == (MappingDecision.APPROVED, MappingMethod.MANUAL)


async def test_what_a_person_mapped_elsewhere_is_not_mapped_back(world: MatcherWorld) -> None:
    await world.receive(*CONTOSO, a_psa_account("8", "Fabrikam"))
    await world.approve("1", "8")

    await world.receive(*CONTOSO)

    assert await world.mapped() == {"1": "8"}


async def test_what_a_person_excluded_stays_excluded(world: MatcherWorld) -> None:
    await world.receive(*CONNECTED, a_vendor_account("1", "Contoso"))
    await world.exclude("1", "our own company")

    await world.receive(a_psa_account("9", "Contoso"))

    mapping = (await world.newest_mappings())["1"]
    assert (mapping.decision, mapping.reason, mapping.psa_id) == (
        MappingDecision.EXCLUDED,
        "our own company",
        None,
    )


async def test_what_a_person_revoked_is_not_mapped_again_by_itself(world: MatcherWorld) -> None:
    await world.receive(*CONTOSO)
    await world.revoke("1")

    await world.receive(a_vendor_account("1", "Contoso", revision=2), *CONTOSO)

    assert await world.mapped() == {}
    first, second = [mapping.revision for mapping in await world.published()]  # type: ignore[attr-defined]  # all are states
    assert first < second


async def test_many_vendor_accounts_may_be_mapped_to_one_company(world: MatcherWorld) -> None:
    await world.receive(*CONTOSO, a_vendor_account("2", "Contoso Labs"))

    await world.approve("2", "9")

    assert await world.mapped() == {"1": "9", "2": "9"}


async def test_a_person_maps_a_service_to_a_product(world: MatcherWorld) -> None:
    await world.receive(*CONNECTED, a_service("s1", "Mail"), a_product("p1", "Post", "P"))

    await world.approve("s1", "p1", kind="service")

    assert await world.mapped() == {"s1": "p1"}


async def test_an_unknown_company_cannot_be_chosen(world: MatcherWorld) -> None:
    await world.receive(*CONTOSO)

    with pytest.raises(NotFound, match="no PSA account 77 in integration int_psa"):
        await world.approve("1", "77")


async def test_an_inactive_company_cannot_be_chosen(world: MatcherWorld) -> None:
    await world.receive(*CONTOSO, a_psa_account("8", "Gone", active=False))

    with pytest.raises(Conflict, match="is inactive"):
        await world.approve("1", "8")


async def test_a_company_of_a_disconnected_psa_cannot_be_chosen(world: MatcherWorld) -> None:
    await world.receive(*CONTOSO, a_psa(status=IntegrationStatus.DISCONNECTED, revision=2))

    with pytest.raises(Conflict, match="is disconnected"):
        await world.approve("1", "9")


async def test_an_unknown_vendor_account_cannot_be_decided_on(world: MatcherWorld) -> None:
    await world.receive(*CONNECTED)

    with pytest.raises(NotFound, match="no vendor account 1 in integration int_vendor"):
        await world.exclude("1")


async def test_there_must_be_a_decision_to_revoke(world: MatcherWorld) -> None:
    await world.receive(*CONNECTED, a_vendor_account("1", "Contoso"))

    with pytest.raises(NotFound, match="nothing to revoke"):
        await world.revoke("1")


async def test_a_mapping_outlives_disconnecting_and_reconnecting(world: MatcherWorld) -> None:
    await world.receive(*CONNECTED, a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso Ltd"))
    await world.approve("1", "9")

    await world.receive(an_integration(status=IntegrationStatus.DISCONNECTED, revision=2))
    await world.receive(
        an_integration(status=IntegrationStatus.PENDING, revision=3).model_copy(update={"generation": 2})
    )

    assert await world.mapped() == {"1": "9"}
    assert len(await world.published()) == 1
