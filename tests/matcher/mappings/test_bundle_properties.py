"""Whatever people decide on the services of a bundle: it has one source, which is mapped as they are."""

from catalogue_builders import PSA, a_product, a_psa, a_service, an_integration
from hypothesis import given, settings
from hypothesis import strategies as st
from matcher_world import MatcherWorld, memory_world

from matcher.mappings.models import (
    NO_RULES,
    Choice,
    DecisionRefused,
    Exclude,
    MapTo,
    PsaItemRef,
    Revoke,
    Undo,
)
from shared.contracts.mapping_rules import MappingRules
from shared.contracts.matcher import MappingDecided, MappingDecision
from shared.errors import NotFound

SERVICES, PRODUCTS = ("s1", "s2", "s3"), ("p8", "p9")
MAPPED: list[Choice] = [
    MapTo(PsaItemRef(PSA, product), rules=rules)
    for product in PRODUCTS
    for rules in (None, NO_RULES, *(MappingRules(included_in=service) for service in SERVICES))
]
CHOICES: list[Choice] = [*MAPPED, Exclude("ours"), Revoke(), Undo()]
STEPS = st.lists(st.tuples(st.sampled_from(SERVICES), st.sampled_from(CHOICES)), max_size=20)


async def a_story(steps: list[tuple[str, Choice]]) -> tuple[MatcherWorld, int]:
    """Returns the world after the steps, and how many of them were refused."""
    world, refused = memory_world(), 0
    services = [a_service(id_, f"Service {id_}") for id_ in SERVICES]
    await world.receive(
        an_integration(), a_psa(), *services, *(a_product(id_, f"Product {id_}") for id_ in PRODUCTS)
    )
    for service, choice in steps:
        try:
            await world.decide(service, choice, kind="service")
        except NotFound:  # nothing is decided yet
            continue
        except DecisionRefused:
            refused += 1
        assert_bundles_have_sources(await world.newest_mappings())
    return world, refused


def assert_bundles_have_sources(mappings: dict[str, MappingDecided]) -> None:
    for mapping in mappings.values():
        if mapping.decision is not MappingDecision.APPROVED:
            assert mapping.rules is None
        elif mapping.rules and mapping.rules.included_in:
            source = mappings[mapping.rules.included_in]
            assert (source.decision, source.psa_id) == (MappingDecision.APPROVED, mapping.psa_id)
            assert source.rules is None or source.rules.included_in is None


@given(STEPS)
@settings(max_examples=150, deadline=None)
async def test_every_part_of_a_bundle_has_its_source(steps: list[tuple[str, Choice]]) -> None:
    await a_story(steps)


@given(STEPS)
@settings(max_examples=60, deadline=None)
async def test_what_is_refused_changes_nothing(steps: list[tuple[str, Choice]]) -> None:
    world, refused = await a_story(steps)

    told = [one for one in await world.published() if isinstance(one, MappingDecided)]
    assert len(told) <= len(steps) - refused
