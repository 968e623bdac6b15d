"""Who says what they saw decides on that alone, and a request that is sent again is one request."""

from datetime import timedelta

import pytest
from catalogue_builders import PSA, a_psa, a_psa_account, a_vendor_account, an_integration
from matcher_world import MatcherWorld

from matcher.mappings.models import DecisionRefusal, DecisionRefused, Exclude, MapTo, PsaItemRef, Revoke
from shared.contracts.matcher import MappingDecision, MappingMethod
from shared.errors import Conflict

TO_9, TO_8 = MapTo(PsaItemRef(PSA, "9")), MapTo(PsaItemRef(PSA, "8"))


@pytest.fixture
async def known(world: MatcherWorld) -> MatcherWorld:
    """A vendor account, and two companies that are not called like it."""
    companies = a_psa_account("9", "Contoso Ltd"), a_psa_account("8", "Fabrikam")
    await world.receive(an_integration(), a_psa(), a_vendor_account("1", "Contoso"), *companies)
    return world


async def test_who_saw_nothing_decides_on_nothing(known: MatcherWorld) -> None:
    first = await known.decide("1", TO_9, saw=0)

    with pytest.raises(DecisionRefused) as refused:
        await known.decide("1", TO_8, saw=0, by="bob")

    assert refused.value.refusal is DecisionRefusal.DECIDED_MEANWHILE
    assert refused.value.existing == first
    assert "mapped to 9 by ann" in str(refused.value)
    assert await known.mapped() == {"1": "9"}


async def test_who_saw_what_stands_replaces_it(known: MatcherWorld) -> None:
    first = await known.decide("1", TO_9, saw=0)

    await known.decide("1", TO_8, saw=first.revision, by="bob")

    assert await known.mapped() == {"1": "8"}


@pytest.mark.parametrize(
    "choice", [TO_8, Exclude("ours"), Revoke()], ids=lambda choice: type(choice).__name__
)
async def test_every_decision_minds_what_was_seen(
    known: MatcherWorld, choice: MapTo | Exclude | Revoke
) -> None:
    stale = await known.decide("1", TO_9)
    standing = await known.decide("1", Exclude("internal"), by="bob")

    with pytest.raises(DecisionRefused) as refused:
        await known.decide("1", choice, saw=stale.revision)

    assert refused.value.existing == standing


async def test_who_saw_a_decision_where_there_is_none_is_told_so(known: MatcherWorld) -> None:
    with pytest.raises(DecisionRefused, match="nothing is decided on vendor account 1") as refused:
        await known.decide("1", TO_9, saw=7)

    assert refused.value.existing is None


async def test_who_does_not_say_what_they_saw_decides_last(known: MatcherWorld) -> None:
    await known.decide("1", TO_9)

    await known.decide("1", TO_8, by="bob")

    assert await known.mapped() == {"1": "8"}


async def test_an_accepted_proposal_is_told_as_one(known: MatcherWorld) -> None:
    await known.propose()

    accepted = await known.decide("1", MapTo(PsaItemRef(PSA, "9"), MappingMethod.PROPOSAL))

    assert accepted.method is MappingMethod.PROPOSAL


@pytest.mark.parametrize(
    ("company", "refusal"),
    [
        (a_psa_account("9", "Contoso Ltd", active=False, revision=2), DecisionRefusal.PSA_ITEM_INACTIVE),
        (a_psa_account("9", "Contoso Ltd", present=False, revision=2), DecisionRefusal.PSA_ITEM_GONE),
    ],
)
async def test_a_company_that_is_inactive_or_gone_meanwhile_is_not_mapped_to(
    known: MatcherWorld, company: object, refusal: DecisionRefusal
) -> None:
    await known.receive(company)

    with pytest.raises(DecisionRefused) as refused:
        await known.decide("1", MapTo(PsaItemRef(PSA, "9"), MappingMethod.PROPOSAL))

    assert refused.value.refusal is refusal
    assert await known.mapped() == {}


async def test_a_vendor_account_that_is_gone_meanwhile_is_not_mapped(known: MatcherWorld) -> None:
    await known.receive(a_vendor_account("1", "Contoso", present=False, revision=2))

    with pytest.raises(DecisionRefused) as refused:
        await known.decide("1", TO_9)

    assert refused.value.refusal is DecisionRefusal.VENDOR_ITEM_GONE


async def test_a_vendor_account_that_is_gone_can_still_be_left_open(known: MatcherWorld) -> None:
    await known.decide("1", TO_9)
    await known.receive(a_vendor_account("1", "Contoso", present=False, revision=2))

    revoked = await known.decide("1", Revoke())

    assert revoked.decision is MappingDecision.REVOKED


async def test_a_repeated_key_answers_as_at_first_and_decides_nothing(known: MatcherWorld) -> None:
    first = await known.decide("1", TO_9, key="k1")
    await known.decide("1", TO_8, by="bob")
    known.now += timedelta(hours=1)

    again = await known.decide("1", TO_9, key="k1")

    assert again == first
    assert await known.mapped() == {"1": "8"}


async def test_a_repeated_key_answers_also_when_what_was_seen_is_stale_by_then(known: MatcherWorld) -> None:
    first = await known.decide("1", TO_9, saw=0, key="k1")

    assert await known.decide("1", TO_9, saw=0, key="k1") == first


async def test_a_key_of_another_request_is_refused(known: MatcherWorld) -> None:
    await known.decide("1", TO_9, key="k1")

    with pytest.raises(Conflict, match="the idempotency key k1 belongs to another request"):
        await known.decide("1", TO_8, key="k1")

    assert await known.mapped() == {"1": "9"}


async def test_the_same_key_of_two_people_is_two_keys(known: MatcherWorld) -> None:
    await known.decide("1", TO_9, key="k1")

    await known.decide("1", TO_8, key="k1", by="bob")

    assert await known.mapped() == {"1": "8"}


async def test_a_key_whose_request_was_refused_is_judged_anew(known: MatcherWorld) -> None:
    await known.receive(a_psa_account("9", "Contoso Ltd", active=False, revision=2))
    with pytest.raises(DecisionRefused):
        await known.decide("1", TO_9, key="k1")

    await known.receive(a_psa_account("9", "Contoso Ltd", revision=3))
    await known.decide("1", TO_9, key="k1")

    assert await known.mapped() == {"1": "9"}
