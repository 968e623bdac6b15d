from typing import Any

from billing_world import COLLECTIONS, a_world
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manifest_builders import account_reads
from observation_builders import (
    PSA,
    VENDOR,
    a_mapping,
    a_subscription,
    an_agreement_line,
    an_integration,
)
from usage_builders import the_lines

from shared.contracts.base import State
from shared.mongo import Mongo

QUANTITIES = st.one_of(st.none(), st.integers(0, 50))
SECOND: dict[str, Any] = {"revision": 2_001, "run_id": "run-2"}

STORY: list[State] = [
    a_subscription(5, revision=10),
    a_subscription(6, revision=11),
    a_subscription(9, revision=5_000),  # no manifest names this one
    a_subscription(2, id_="s2", revision=12),
    an_agreement_line(5, revision=10),
    an_agreement_line(7, revision=11),
    *account_reads([a_subscription(5, revision=10)]),
    *account_reads([a_subscription(6, revision=11), a_subscription(2, id_="s2", revision=12)], **SECOND),
    *account_reads([an_agreement_line(5, revision=10)]),
    *account_reads([an_agreement_line(7, revision=11)], **SECOND),
]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_news_in_any_order_and_repeated_gives_the_same_line(mongo: Mongo, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(STORY)) + data.draw(st.lists(st.sampled_from(STORY), max_size=8))
    await empty(mongo)
    world = await a_world(mongo)
    await world.ingest(an_integration(VENDOR), an_integration(PSA))
    await world.ingest(a_mapping("account", "acme", "co1"), a_mapping("service", "svc1", "prod1"))

    for place, news in enumerate(shuffled):
        await world.ingest(news)
        if place % data.draw(st.integers(1, 4)) == 0:
            await world.apply()
            await world.reconcile()
        world.advance(seconds=1)
    world.advance(minutes=1)
    await world.apply()
    await world.reconcile()

    line = await world.line()
    assert line.vendor_count.number == 8
    assert line.psa_count.number == 7
    assert [item.revision for item in line.evidence.items] == [12, 11]


@given(quantities=st.lists(QUANTITIES, min_size=1, max_size=6))
def test_a_sum_is_a_number_exactly_when_every_part_is(quantities: list[int | None]) -> None:
    many = [a_subscription(quantity, id_=f"s{place}") for place, quantity in enumerate(quantities)]

    [line] = the_lines(*many, an_agreement_line(1))

    known = [quantity for quantity in quantities if quantity is not None]
    count = line.vendor_count
    assert (count.number if len(known) == len(quantities) else count.known_part) == sum(known)
    assert (count.number is None) == (len(known) < len(quantities))


async def empty(mongo: Mongo) -> None:
    for name in (*COLLECTIONS, "leases"):
        await mongo.all_tenants(name).remove({})
