"""From what is observed to what is stored, published and accepted."""

import random

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
from matcher_world import MatcherWorld, memory_world, mongo_world

from matcher.mappings.models import DecisionRefusal, DecisionRefused, MapTo, PsaItemRef
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Side
from shared.contracts.matcher import MappingMethod, MappingsProposed
from shared.mongo import Mongo

KNOWN = (
    an_integration(),
    a_psa(),
    a_vendor_account("1", "Contoso Dental"),
    a_vendor_account("2", "Northwind Traders"),
    a_psa_account("9", "Contoso Dental LLC"),
    a_psa_account("8", "Fabrikam Plumbing"),
    a_psa_account("7", "Northwind Traders"),
)
ACCEPT_9 = MapTo(PsaItemRef(PSA, "9"), MappingMethod.PROPOSAL)


@pytest.fixture
async def known(world: MatcherWorld) -> MatcherWorld:
    await world.receive(*KNOWN)
    await world.propose()
    return world


async def statements(world: MatcherWorld) -> list[MappingsProposed]:
    return [message for message in await world.published() if isinstance(message, MappingsProposed)]


async def test_what_is_not_equal_is_proposed_with_reasons_and_what_is_mapped_is_not(
    known: MatcherWorld,
) -> None:
    (stated,) = await statements(known)

    (first,) = stated.proposals
    assert (stated.vendor_id, first.psa_integration_id, first.psa_id) == ("1", PSA, "9")
    assert first.probability_per_mille > 500
    assert first.margin_per_mille == first.probability_per_mille
    assert any(reason.speaks_for for reason in first.reasons)
    assert await known.mapped() == {"2": "7"}


async def test_services_are_proposed_products(world: MatcherWorld) -> None:
    await world.receive(
        an_integration(),
        a_psa(),
        a_service("s", "Microsoft 365 Business Premium", "CFQ7"),
        a_product("p", "M365 Business Premium - monthly", "M365-BP"),
        a_product("q", "Veeam Backup", "VEEAM"),
    )

    await world.propose()

    assert await world.proposed() == {"s": ["p"]}


async def test_an_accepted_proposal_is_mapped_and_no_longer_proposed(known: MatcherWorld) -> None:
    accepted = await known.decide("1", ACCEPT_9)
    await known.propose()

    assert accepted.method is MappingMethod.PROPOSAL
    assert await known.proposed() == {}
    assert [len(one.proposals) for one in await statements(known)] == [1, 0]


async def test_what_is_not_proposed_cannot_be_accepted_as_a_proposal(known: MatcherWorld) -> None:
    with pytest.raises(DecisionRefused, match="not, or no longer, proposed") as refused:
        await known.decide("1", MapTo(PsaItemRef(PSA, "8"), MappingMethod.PROPOSAL))

    assert refused.value.refusal is DecisionRefusal.NOT_PROPOSED
    assert await known.mapped() == {"2": "7"}


async def test_an_acceptance_that_is_sent_twice_changes_nothing(known: MatcherWorld) -> None:
    accepted = await known.decide("1", ACCEPT_9)
    await known.propose()

    assert await known.decide("1", ACCEPT_9) == accepted


async def test_a_decision_that_is_taken_back_brings_the_proposals_back(known: MatcherWorld) -> None:
    accepted = await known.decide("1", ACCEPT_9)
    await known.propose()

    await known.undo(accepted)
    await known.propose()

    assert await known.proposed() == {"1": ["9"]}
    revisions = [one.revision for one in await statements(known)]
    assert revisions == sorted(set(revisions))


async def test_an_excluded_account_has_no_proposals(known: MatcherWorld) -> None:
    await known.exclude("1")
    await known.propose()

    assert await known.proposed() == {}


@pytest.mark.parametrize(
    "news",
    [
        a_vendor_account("1", "Contoso Dental", present=False, revision=2),
        a_psa_account("9", "Contoso Dental LLC", active=False, revision=2),
        an_integration(VENDOR, Side.VENDOR, status=IntegrationStatus.DISCONNECTED, revision=2),
        an_integration(PSA, Side.PSA, status=IntegrationStatus.DISCONNECTED, revision=2),
    ],
    ids=["vendor account gone", "company inactive", "vendor disconnected", "PSA disconnected"],
)
async def test_what_is_gone_is_not_proposed_any_more(known: MatcherWorld, news: object) -> None:
    await known.ingest([news])
    await known.match()
    await known.propose()

    assert await known.proposed() == {}


async def test_the_same_again_is_neither_computed_into_a_new_state_nor_published(known: MatcherWorld) -> None:
    before = await known.published()

    await known.receive(*KNOWN)
    await known.propose()

    assert await statements(known) == [one for one in before if isinstance(one, MappingsProposed)]


async def test_thousands_of_observations_cost_one_computation() -> None:
    world = memory_world()
    accounts = [a_vendor_account(f"v{n}", f"Contoso Branch {n}") for n in range(300)]

    await world.receive(an_integration(), a_psa(), *accounts, a_psa_account("9", "Contoso Dental LLC"))
    await world.propose()

    assert world.engine.calls == 1


async def test_a_company_that_is_surely_anothers_is_less_likely() -> None:
    alone, contested = memory_world(), memory_world()
    common = (an_integration(), a_psa(), a_psa_account("9", "Contoso Dental"))
    await alone.receive(*common, a_vendor_account("1", "Contoso Dental LLC"))
    await contested.receive(
        *common, a_vendor_account("1", "Contoso Dental LLC"), a_vendor_account("2", "Contoso Dental")
    )

    found = []
    for world in (alone, contested):
        await world.propose()
        found += [
            max((p.probability_per_mille for p in s.proposals), default=0) for s in await statements(world)
        ]

    assert await contested.mapped() == {"2": "9"}
    assert (found[1] if len(found) > 1 else 0) < found[0]


@pytest.mark.parametrize("seed", range(3))
async def test_any_order_of_the_same_news_leads_to_the_same_proposals(mongo: Mongo, seed: int) -> None:
    first, second = memory_world(), mongo_world(mongo)
    shuffled = list(KNOWN)
    random.Random(seed).shuffle(shuffled)

    for world, news in ((first, KNOWN), (second, shuffled)):
        for one in news:
            await world.ingest([one])
            await world.match()
            await world.propose()
        await world.close()
        await world.match()
        await world.propose()

    assert await first.proposed() == await second.proposed() == {"1": ["9"]}
