"""Many decisions in one request: each for itself, and each once."""

import pytest
from catalogue_builders import PSA, a_psa, a_psa_account, a_vendor_account, an_integration
from cut_off_store import CutOffStore
from matcher_world import MatcherWorld, a_ref

from matcher.mappings.decision_batches import DecisionBatchService
from matcher.mappings.models import (
    Choice,
    DecisionOutcome,
    DecisionRefusal,
    Exclude,
    ItemDecision,
    MapTo,
    OutcomeStatus,
    PsaItemRef,
)
from matcher.mappings.ports import MappingStore
from shared.errors import Conflict, TransientError

TO_9 = MapTo(PsaItemRef(PSA, "9"))
MANY = 120


def asked(vendor_id: str, choice: Choice = TO_9, saw: int | None = None) -> ItemDecision:
    return ItemDecision(a_ref(vendor_id), choice, "ann", saw)


async def decide(
    world: MatcherWorld, *requests: ItemDecision, key: str = "k1", store: MappingStore | None = None
) -> list[DecisionOutcome]:
    chosen = store or world.store
    return await DecisionBatchService(chosen, lambda: world.now).decide(requests, key)


@pytest.fixture
async def known(world: MatcherWorld) -> MatcherWorld:
    accounts = [a_vendor_account(str(number), f"Customer {number}") for number in range(MANY)]
    await world.receive(an_integration(), a_psa(), *accounts, a_psa_account("9", "Contoso Ltd"))
    await world.receive(a_psa_account("8", "Gone", active=False))
    return world


async def test_each_is_decided_for_itself(known: MatcherWorld) -> None:
    standing = await known.approve("2", "9")
    excluded = await known.exclude("3")
    requests = [
        asked("1", saw=0),
        asked("2"),
        asked("3", saw=0),
        asked("4", MapTo(PsaItemRef(PSA, "8"))),
        asked("none"),
        asked("5", Exclude("ours")),
    ]

    outcomes = await decide(known, *requests)

    assert [one.status.value for one in outcomes] == [
        "done",
        "unchanged",
        "conflict",
        "refused",
        "refused",
        "done",
    ]
    assert [one.refusal for one in outcomes[2:5]] == [
        DecisionRefusal.DECIDED_MEANWHILE,
        DecisionRefusal.PSA_ITEM_INACTIVE,
        DecisionRefusal.NOT_FOUND,
    ]
    assert (outcomes[1].mapping, outcomes[2].mapping) == (standing, excluded)
    assert all(one.sentence for one in outcomes[2:5])
    assert await known.mapped() == {"1": "9", "2": "9"}


async def test_the_same_item_twice_is_decided_in_order(known: MatcherWorld) -> None:
    outcomes = await decide(known, asked("1", saw=0), asked("1", Exclude("ours")), asked("1", saw=0))

    assert [one.status for one in outcomes] == [
        OutcomeStatus.DONE,
        OutcomeStatus.DONE,
        OutcomeStatus.CONFLICT,
    ]


async def test_a_company_that_is_unknown_is_refused_beside_the_mapping_as_it_is(known: MatcherWorld) -> None:
    standing = await known.approve("1", "9")

    [outcome] = await decide(known, asked("1", MapTo(PsaItemRef(PSA, "77"))))

    assert (outcome.status, outcome.refusal) == (OutcomeStatus.REFUSED, DecisionRefusal.NOT_FOUND)
    assert outcome.mapping == standing


async def test_sent_again_it_answers_as_at_first(known: MatcherWorld) -> None:
    requests = [asked(str(number), saw=0) for number in range(MANY)]
    first = await decide(known, *requests)
    await known.exclude("7")

    again = await decide(known, *requests)

    assert again == first
    assert len(await known.published()) == MANY + 1


async def test_cut_off_in_the_middle_it_goes_on_where_it_was(known: MatcherWorld) -> None:
    requests = [asked(str(number), saw=0) for number in range(MANY)]
    with pytest.raises(TransientError):
        await decide(known, *requests, store=CutOffStore(known.store, units=1))
    before = len(await known.published())

    outcomes = await decide(known, *requests)

    assert 0 < before < MANY
    assert {one.status for one in outcomes} == {OutcomeStatus.DONE}
    assert len(await known.published()) == MANY


async def test_a_key_of_another_request_is_refused(known: MatcherWorld) -> None:
    await decide(known, asked("1"))

    with pytest.raises(Conflict, match="belongs to another request"):
        await decide(known, asked("1"), asked("2"))
    with pytest.raises(Conflict, match="belongs to another request"):
        await known.decide("1", TO_9, key="k1")

    assert await known.mapped() == {"1": "9"}
