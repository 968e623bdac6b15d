"""Whatever people and the exact rule decide, and take back, in whatever order."""

from itertools import pairwise

from catalogue_builders import PSA, a_psa, a_psa_account, a_vendor_account, an_integration
from hypothesis import given, settings
from hypothesis import strategies as st
from matcher_store import MemoryStore
from matcher_world import MatcherWorld, memory_world

from matcher.mappings.models import Choice, Exclude, MapTo, PsaItemRef, Revoke, Undo
from shared.contracts.matcher import MappingDecided
from shared.errors import NotFound

CHOICES: list[Choice] = [
    MapTo(PsaItemRef(PSA, "9")),
    MapTo(PsaItemRef(PSA, "8")),
    Exclude("ours"),
    Revoke(),
    Undo(),
]
STEPS = st.lists(st.sampled_from([*CHOICES, "rival comes", "rival goes"]), max_size=12)


async def a_story(steps: list[Choice | str]) -> tuple[MatcherWorld, list[MappingDecided]]:
    """Returns the world after the steps, and all decisions on vendor account 1 in their order."""
    world = memory_world()
    companies = a_psa_account("9", "Contoso"), a_psa_account("8", "Fabrikam")
    await world.receive(an_integration(), a_psa(), a_vendor_account("1", "Contoso"), *companies)
    for revision, step in enumerate(steps, 2):
        if isinstance(step, str):
            name = "Contoso" if step == "rival comes" else "Another"
            await world.receive(a_psa_account("7", name, revision=revision))
            continue
        try:
            await world.decide("1", step)
        except NotFound:  # nothing is decided yet: there is nothing to take back
            continue
        await world.match()
    told = [one for one in await world.published() if isinstance(one, MappingDecided)]
    return world, told


def substance(mapping: MappingDecided) -> tuple[object, ...]:
    return mapping.decision, mapping.psa_id, mapping.reason


@given(STEPS)
@settings(max_examples=60, deadline=None)
async def test_every_version_is_kept_once_and_knows_the_one_before(steps: list[Choice | str]) -> None:
    world, told = await a_story(steps)

    assert isinstance(world.store, MemoryStore)
    state = world.store.of()
    assert [*state.history, *state.mappings.values()] == told
    revisions = [mapping.revision for mapping in told]
    assert revisions == sorted(set(revisions))
    before = [mapping.replaced.revision for mapping in told if mapping.replaced]
    assert before == [0, *revisions][: len(told)]


@given(STEPS)
@settings(max_examples=60, deadline=None)
async def test_a_decision_that_is_undone_and_redone_stands_as_it_was(steps: list[Choice | str]) -> None:
    world, told = await a_story(steps)

    for standing in told[-1:]:
        undone = await world.decide("1", Undo(), saw=standing.revision)
        redone = await world.decide("1", Undo(), saw=undone.revision)

        assert substance(redone) == substance(standing)


@given(STEPS)
@settings(max_examples=60, deadline=None)
async def test_the_exact_rule_never_overrules_what_a_person_decided(steps: list[Choice | str]) -> None:
    _, told = await a_story(steps)

    for earlier, later in pairwise(told):
        if later.decided_by == "trueup":
            assert earlier.method == "exact"
