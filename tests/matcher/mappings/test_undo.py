"""A decision is taken back, and once more."""

import pytest
from catalogue_builders import a_psa, a_psa_account, a_vendor_account, an_integration
from matcher_world import MatcherWorld

from shared.contracts.auth import IntegrationStatus
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingMethod
from shared.errors import Conflict, NotFound

CONNECTED = (an_integration(), a_psa())
CONTOSO = (*CONNECTED, a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso"))
FABRIKAM = a_psa_account("8", "Fabrikam")
UNLIKE = (*CONNECTED, a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso Ltd"), FABRIKAM)


async def standing(world: MatcherWorld) -> MappingDecided:
    return (await world.newest_mappings())["1"]


async def test_a_manual_mapping_that_replaced_an_exact_one_gives_way_to_it(world: MatcherWorld) -> None:
    await world.receive(*CONTOSO, FABRIKAM)
    manual = await world.approve("1", "8")

    undone = await world.undo(manual)

    assert (undone.psa_id, undone.method, undone.decided_by) == ("9", MappingMethod.EXACT, "ann")
    assert undone.undoes == manual.revision
    assert undone.revision > manual.revision
    assert await standing(world) == undone


async def test_a_second_undo_redoes(world: MatcherWorld) -> None:
    await world.receive(*CONTOSO, FABRIKAM)
    manual = await world.approve("1", "8")

    again = await world.undo(await world.undo(manual))

    assert (again.psa_id, again.method) == ("8", MappingMethod.MANUAL)
    assert await standing(world) == again


async def test_an_exact_mapping_that_is_undone_is_not_mapped_again_by_itself(world: MatcherWorld) -> None:
    await world.receive(*CONTOSO)

    undone = await world.undo(await standing(world))
    await world.receive(*CONTOSO)

    assert (undone.decision, undone.method) == (MappingDecision.REVOKED, MappingMethod.MANUAL)
    assert await world.mapped() == {}


async def test_undoing_the_undoing_of_an_exact_mapping_maps_it_again(world: MatcherWorld) -> None:
    await world.receive(*CONTOSO)

    again = await world.undo(await world.undo(await standing(world)))

    assert (again.psa_id, again.method) == ("9", MappingMethod.EXACT)


async def test_undoing_a_revocation_lifts_its_bar(world: MatcherWorld) -> None:
    """The mapping is the exact rule's again: a namesake takes it back, and the rule maps it later."""
    await world.receive(*CONTOSO)
    await world.undo(await world.revoke("1"))

    await world.receive(a_vendor_account("2", "Contoso"))
    ambiguous = await world.mapped()
    await world.receive(a_vendor_account("2", "Another", revision=2))

    assert (ambiguous, await world.mapped()) == ({}, {"1": "9"})


async def test_an_undone_first_decision_leaves_the_exact_rule_as_free_as_it_was(world: MatcherWorld) -> None:
    await world.receive(*UNLIKE)
    undone = await world.undo(await world.approve("1", "8"))
    before = await world.mapped()

    await world.receive(a_psa_account("9", "Contoso", revision=2))

    assert (undone.decision, undone.decided_by, before) == (MappingDecision.REVOKED, "ann", {})
    assert await world.mapped() == {"1": "9"}


async def test_a_mapping_that_the_rule_took_back_can_be_insisted_on(world: MatcherWorld) -> None:
    await world.receive(*CONTOSO)
    await world.receive(a_vendor_account("2", "Contoso"))
    taken_back = await standing(world)

    insisted = await world.undo(taken_back)
    await world.receive(a_vendor_account("3", "Contoso"))

    assert taken_back.decision is MappingDecision.REVOKED
    assert (insisted.psa_id, insisted.method) == ("9", MappingMethod.MANUAL)
    assert await standing(world) == insisted


async def test_an_exclusion_comes_back_with_its_reason(world: MatcherWorld) -> None:
    await world.receive(*UNLIKE)
    await world.exclude("1", "our own company")

    undone = await world.undo(await world.approve("1", "8"))

    assert (undone.decision, undone.reason) == (MappingDecision.EXCLUDED, "our own company")
    assert undone.psa_id is None


async def test_an_exact_mapping_that_became_ambiguous_meanwhile_does_not_stay(world: MatcherWorld) -> None:
    await world.receive(*CONTOSO, FABRIKAM)
    manual = await world.approve("1", "8")
    await world.receive(a_psa_account("7", "Contoso"))

    await world.undo(manual)

    assert (await standing(world)).decision is MappingDecision.REVOKED
    assert await world.mapped() == {}


async def test_a_stale_undo_is_refused_with_what_stands_and_who_decided_it(world: MatcherWorld) -> None:
    await world.receive(*UNLIKE)
    seen = await world.approve("1", "8")
    await world.exclude("1", "internal")

    with pytest.raises(Conflict, match="decided on meanwhile: excluded by ann"):
        await world.undo(seen, by="bob")

    assert (await standing(world)).decision is MappingDecision.EXCLUDED


async def test_what_is_inactive_or_gone_by_now_does_not_come_back(world: MatcherWorld) -> None:
    await world.receive(*UNLIKE)
    await world.approve("1", "8")
    excluded = await world.exclude("1")
    await world.receive(a_psa_account("8", "Fabrikam", present=False, revision=2))

    with pytest.raises(Conflict, match=r"PSA account 8 \(Fabrikam\) is gone"):
        await world.undo(excluded)


async def test_what_is_mapped_in_a_disconnected_psa_does_not_come_back(world: MatcherWorld) -> None:
    await world.receive(*UNLIKE)
    await world.approve("1", "8")
    excluded = await world.exclude("1")
    await world.receive(a_psa(status=IntegrationStatus.DISCONNECTED, revision=2))

    with pytest.raises(Conflict, match="is disconnected"):
        await world.undo(excluded)


async def test_the_mapping_of_a_vendor_account_that_is_gone_can_come_back(world: MatcherWorld) -> None:
    """What of it is still billed is found by its mapping alone."""
    await world.receive(*UNLIKE)
    await world.approve("1", "8")
    await world.receive(a_vendor_account("1", "Contoso", present=False, revision=2))

    await world.undo(await world.revoke("1"))

    assert await world.mapped() == {"1": "8"}


async def test_without_a_decision_there_is_nothing_to_undo(world: MatcherWorld) -> None:
    await world.receive(*UNLIKE)
    elsewhere = await world.approve("1", "8")
    await world.receive(a_vendor_account("2", "Other"))
    unknown = elsewhere.model_copy(update={"vendor_id": "2", "revision": 0})

    with pytest.raises(NotFound, match="nothing to undo"):
        await world.undo(unknown)


async def test_what_stood_before_decisions_were_kept_is_not_guessed(world: MatcherWorld) -> None:
    await world.receive(*UNLIKE)
    old = (await world.approve("1", "8")).model_copy(update={"replaced": None})

    async def forget(unit_of_work: object) -> None:
        await unit_of_work.restore_mappings([old], existing={old.key: old})  # type: ignore[attr-defined]  # either store's

    await world.store.run_unit_of_work("demo", forget)

    with pytest.raises(Conflict, match="was not kept: decide anew"):
        await world.undo(old)


async def test_a_decision_says_what_it_replaced(world: MatcherWorld) -> None:
    await world.receive(*CONTOSO, FABRIKAM)

    manual = await world.approve("1", "8")

    assert manual.replaced is not None
    assert (manual.replaced.psa_id, manual.replaced.method) == ("9", MappingMethod.EXACT)
