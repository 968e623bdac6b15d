"""What became ambiguous is taken back, what is the only one again is mapped again, what is gone stays."""

from collections.abc import Sequence

import pytest
from catalogue_builders import (
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

CONNECTED = (an_integration(), a_psa())
CONTOSO = (*CONNECTED, a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso"))
ACTIVE = an_integration(status=IntegrationStatus.ACTIVE, revision=2)
PHASES = pytest.mark.parametrize("phase", [(), (ACTIVE,)], ids=["pending", "active"])

ORDERS: list[list[Sequence[ItemObserved]]] = [
    [[a_psa_account("8", "Contoso")], [a_psa_account("9", "Contoso")]],
    [[a_psa_account("9", "Contoso")], [a_psa_account("8", "Contoso")]],
    [[a_psa_account("8", "Contoso"), a_psa_account("9", "Contoso")]],
]


@PHASES
@pytest.mark.parametrize("order", ORDERS, ids=["8 first", "9 first", "both at once"])
async def test_two_like_named_companies_in_either_order_lead_to_the_same_mapping(
    world: MatcherWorld, order: list[Sequence[ItemObserved]], phase: Sequence[object]
) -> None:
    await world.receive(*CONNECTED, a_vendor_account("1", "Contoso"))
    for run in order:
        await world.receive(*run, *phase)
    ambiguous = await world.mapped()

    await world.receive(a_psa_account("8", "Contoso", revision=2, present=False))

    assert (ambiguous, await world.mapped()) == ({}, {"1": "9"})


@PHASES
@pytest.mark.parametrize(
    ("rival", "reason"),
    [
        (a_psa_account("8", "Contoso"), "ambiguous: PSA account 8 (Contoso) has the same name"),
        (a_vendor_account("2", "Contoso"), "ambiguous: vendor account 2 (Contoso) has the same name"),
    ],
    ids=["company", "customer"],
)
async def test_a_mapping_that_became_ambiguous_is_taken_back_and_says_with_whom(
    world: MatcherWorld, rival: ItemObserved, reason: str, phase: Sequence[object]
) -> None:
    await world.receive(*CONTOSO, *phase)

    await world.receive(rival)

    mapping = (await world.newest_mappings())["1"]
    assert (mapping.decision, mapping.method) == (MappingDecision.REVOKED, MappingMethod.EXACT)
    assert (mapping.decided_by, mapping.reason, mapping.psa_id) == ("trueup", reason, None)


@PHASES
async def test_what_is_the_only_one_again_is_mapped_again(
    world: MatcherWorld, phase: Sequence[object]
) -> None:
    await world.receive(*CONTOSO, *phase)
    await world.receive(a_psa_account("8", "Contoso"))

    await world.receive(a_psa_account("8", "Contoso of Old", revision=2))

    assert await world.mapped() == {"1": "9"}


async def test_a_part_number_that_became_ambiguous_is_named(world: MatcherWorld) -> None:
    await world.receive(
        *CONNECTED, a_service("s1", "Mail", "MPN-1"), a_product("p1", "Post", "MPN-1"), ACTIVE
    )

    await world.receive(a_product("p2", "Post, yearly", "MPN-1"), a_product("p3", "Letters", "MPN-1"))

    mapping = (await world.newest_mappings())["s1"]
    assert mapping.reason == "ambiguous: PSA product p2 (Post, yearly) has the same part number, and 1 more"


async def test_a_persons_mapping_is_never_taken_back(world: MatcherWorld) -> None:
    await world.receive(*CONTOSO)
    await world.approve("1", "9")

    await world.receive(a_psa_account("8", "Contoso"), a_vendor_account("2", "Contoso"))

    assert await world.mapped() == {"1": "9"}


@pytest.mark.parametrize(
    "gone", [a_service("s2", "Mail, yearly", "MPN-1"), a_product("p2", "Post, yearly", "MPN-1")], ids=str
)
async def test_what_is_gone_stops_standing_in_the_way_and_counts_again_when_it_is_back(
    world: MatcherWorld, gone: ItemObserved
) -> None:
    await world.receive(*CONNECTED, a_service("s1", "Mail", "MPN-1"), a_product("p1", "Post", "MPN-1"), gone)
    before = await world.mapped()

    await world.receive(gone.model_copy(update={"revision": 2, "present": False}))
    while_gone = await world.mapped()
    await world.receive(gone.model_copy(update={"revision": 3}))

    assert (before, while_gone, await world.mapped()) == ({}, {"s1": "p1"}, {})


@PHASES
@pytest.mark.parametrize(
    "gone",
    [
        a_vendor_account("1", "Contoso", revision=2, present=False),
        a_vendor_account("1", "Contoso", revision=2, status="cancelled"),
        a_psa_account("9", "Contoso", revision=2, present=False),
        a_psa_account("9", "Contoso", revision=2, active=False),
    ],
    ids=["customer gone", "customer cancelled", "company gone", "company inactive"],
)
async def test_what_was_mapped_stays_mapped_when_one_end_is_gone(
    world: MatcherWorld, gone: ItemObserved, phase: Sequence[object]
) -> None:
    await world.receive(*CONTOSO, *phase)

    await world.receive(gone)

    assert await world.mapped() == {"1": "9"}


@PHASES
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "one after the other"])
async def test_a_company_that_took_the_place_of_one_that_is_gone_is_mapped(
    world: MatcherWorld, at_once: bool, phase: Sequence[object]
) -> None:
    gone, successor = a_psa_account("9", "Contoso", revision=2, present=False), a_psa_account("8", "Contoso")
    await world.receive(*CONTOSO, *phase)

    for run in [[gone, successor]] if at_once else [[gone], [successor]]:
        await world.receive(*run)

    assert await world.mapped() == {"1": "8"}


@PHASES
async def test_a_customer_that_took_the_place_of_one_that_is_gone_is_mapped_beside_it(
    world: MatcherWorld, phase: Sequence[object]
) -> None:
    await world.receive(*CONTOSO, *phase)

    await world.receive(
        a_vendor_account("1", "Contoso", revision=2, present=False), a_vendor_account("2", "Contoso")
    )

    assert await world.mapped() == {"1": "9", "2": "9"}


async def test_a_customer_whom_no_list_names_is_mapped_when_it_has_its_real_name(world: MatcherWorld) -> None:
    await world.receive(
        *CONNECTED,
        a_vendor_account("7", "Customer #7"),
        a_psa_account("9", "Contoso"),
        a_psa_account("8", "Customer #7"),
    )
    before = await world.mapped()

    await world.receive(a_vendor_account("7", "Contoso", revision=2))

    assert (before, await world.mapped()) == ({}, {"7": "9"})
