"""Names that are equal but for their spelling map themselves where a tenant wants that, and nowhere else."""

import random
from dataclasses import dataclass

import pytest
from catalogue_builders import (
    a_product,
    a_psa,
    a_psa_account,
    a_service,
    a_vendor_account,
    an_integration,
)
from matcher_world import MatcherWorld, memory_world, mongo_world

from matcher.app import INDEXES
from matcher.catalogue.item_forms import ItemForms
from matcher.mappings.matching_settings import MatchingSettingsService
from matcher.mappings.models import MatchingSettings, SettingsChange, SettingsRefused
from shared.contracts.matcher import (
    MappingDecision,
    MappingMethod,
    MatchingSettingsChanged,
    NameEquality,
)
from shared.mongo import Mongo

CONNECTED = (an_integration(), a_psa())
CONTOSO = (*CONNECTED, a_vendor_account("1", "Contoso, Ltd."), a_psa_account("9", "CONTOSO"))


@pytest.fixture
async def stored_world(mongo: Mongo) -> MatcherWorld:
    """On the real stores, in which the job has found that nothing is of an older form."""
    await mongo.ensure(INDEXES)
    forms = ItemForms(mongo)
    while await forms.update_next():
        pass
    return mongo_world(mongo)


async def switch(
    world: MatcherWorld, equality: NameEquality, *, by: str = "ann", saw: int | None = None
) -> MatchingSettings:
    service = MatchingSettingsService(world.store, lambda: world.now)
    changed = await service.change(SettingsChange("demo", equality, by, saw))
    await world.match()
    return changed


async def switch_on(world: MatcherWorld) -> MatchingSettings:
    return await switch(world, NameEquality.NORMALISED)


async def test_it_is_off_until_an_admin_switches_it_on(world: MatcherWorld) -> None:
    await world.receive(*CONTOSO)
    off = await world.mapped()

    await switch_on(world)

    assert (off, await world.mapped()) == ({}, {"1": "9"})
    mapping = (await world.newest_mappings())["1"]
    assert (mapping.method, mapping.decided_by) == (MappingMethod.EXACT, "trueup")
    assert mapping.reason == "equal but for spelling or legal form: 'Contoso, Ltd.' and 'CONTOSO'"


async def test_what_is_written_alike_needs_no_remark(world: MatcherWorld) -> None:
    await switch_on(world)
    await world.receive(*CONNECTED, a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso"))

    assert (await world.newest_mappings())["1"].reason is None


async def test_new_items_are_compared_by_the_settings(world: MatcherWorld) -> None:
    await world.receive(*CONNECTED)
    await switch_on(world)

    await world.receive(*CONTOSO)

    assert await world.mapped() == {"1": "9"}


@pytest.mark.parametrize(
    "twin",
    [
        a_vendor_account("2", "contoso"),
        a_vendor_account("2", "Contoso GmbH"),
        a_psa_account("8", "Contoso Inc"),
        a_psa_account("8", "con-to-so").model_copy(update={"name": "Contoso!"}),
    ],
)
async def test_duplicates_but_for_their_spelling_are_never_mapped(world: MatcherWorld, twin: object) -> None:
    await switch_on(world)
    await world.receive(*CONTOSO, twin)

    assert await world.mapped() == {}


async def test_what_is_written_alike_is_mapped_beside_a_twin_of_another_spelling(world: MatcherWorld) -> None:
    twins = a_vendor_account("1", "Contoso"), a_vendor_account("2", "CONTOSO")
    await switch_on(world)
    await world.receive(*CONNECTED, *twins, a_psa_account("9", "Contoso"))

    assert await world.mapped() == {"1": "9"}


async def test_two_legal_forms_are_two_firms(world: MatcherWorld) -> None:
    await switch_on(world)
    await world.receive(*CONNECTED, a_vendor_account("1", "Contoso GmbH"), a_psa_account("9", "Contoso Ltd"))

    assert await world.mapped() == {}


async def test_what_contradicts_bars_this_equality_as_it_bars_the_other(world: MatcherWorld) -> None:
    german = a_vendor_account("1", "Contoso Ltd").model_copy(update={"country": "DE"})
    french = a_psa_account("9", "Contoso").model_copy(update={"country": "FR"})
    await switch_on(world)
    await world.receive(*CONNECTED, german, french)

    assert await world.mapped() == {}


async def test_a_service_is_compared_without_case_and_punctuation(world: MatcherWorld) -> None:
    await switch_on(world)
    await world.receive(*CONNECTED, a_service("s", "Post-Box", "M1"), a_product("p", "post box", "X"))

    assert await world.mapped() == {"s": "p"}


async def test_switching_off_before_a_finish_takes_back_what_only_spelling_kept_apart(
    world: MatcherWorld,
) -> None:
    await switch_on(world)
    await world.receive(*CONTOSO, a_vendor_account("2", "Fabrikam"), a_psa_account("8", "Fabrikam"))

    await switch(world, NameEquality.EXACT)

    assert await world.mapped() == {"2": "8"}
    assert (await world.newest_mappings())["1"].decision is MappingDecision.REVOKED


async def test_switching_off_after_a_finish_leaves_what_is_billed_by(world: MatcherWorld) -> None:
    await switch_on(world)
    await world.receive(*CONTOSO, a_service("s", "Post"), a_product("p", "Post"))
    await world.finish()

    await switch(world, NameEquality.EXACT)

    assert (await world.mapped())["1"] == "9"


async def test_a_persons_word_is_not_overruled(world: MatcherWorld) -> None:
    await world.receive(*CONTOSO)
    await world.exclude("1")

    await switch_on(world)

    assert await world.mapped() == {}


async def test_a_change_says_who_from_what_to_what_once(world: MatcherWorld) -> None:
    await world.receive(*CONNECTED)
    first = await switch_on(world)
    again = await switch_on(world)

    [told] = [one for one in await world.published() if isinstance(one, MatchingSettingsChanged)]
    assert (told.replaced, told.name_equality, told.changed_by) == ("exact", "normalised", "ann")
    assert again == first


async def test_who_saw_other_settings_is_told_what_they_are(world: MatcherWorld) -> None:
    await switch_on(world)

    with pytest.raises(SettingsRefused, match="to normalised by ann") as refused:
        await switch(world, NameEquality.EXACT, by="bob", saw=0)

    assert refused.value.settings.name_equality is NameEquality.NORMALISED


@dataclass(frozen=True)
class Switch:
    """A change of the settings among the news."""

    to: NameEquality


@pytest.mark.parametrize("seed", range(25))
async def test_any_order_of_news_and_settings_ends_in_the_same_mappings(seed: int) -> None:
    chance = random.Random(seed)
    names = ["Contoso", "CONTOSO", "Contoso Ltd", "Fabrikam", "fabrikam gmbh", "Zeta", "zeta s.a.", "Zeta!"]
    news: list[object] = [a_vendor_account(str(n), chance.choice(names)) for n in range(5)]
    news += [a_psa_account(str(n), chance.choice(names)) for n in range(5)]

    async def story(order: list[object]) -> dict[str, str | None]:
        world = memory_world()
        await world.receive(*CONNECTED)
        for one in order:
            if isinstance(one, Switch):
                await switch(world, one.to)
            else:
                await world.receive(one)
        await switch(world, NameEquality.NORMALISED)
        return await world.mapped()

    switches: list[object] = [Switch(NameEquality.NORMALISED), Switch(NameEquality.EXACT)]
    mixed = [*news, *switches, *news[:3]]
    chance.shuffle(mixed)

    assert await story(mixed) == await story(list(news))
