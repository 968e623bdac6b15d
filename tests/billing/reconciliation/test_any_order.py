from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from observation_builders import a_line, a_listed_subscription, a_mapping, a_subscription, an_agreement_line
from usage_builders import the_lines

from billing.usage.usage_line import UsageLine
from shared.contracts.base import Observation
from shared.contracts.vendor_sync import SubscriptionStatus

SERVICES = [a_mapping("service", "svc1", "prod1"), a_mapping("service", "svc2", "prod2")]
QUANTITIES = st.one_of(st.none(), st.integers(0, 50))


@st.composite
def subscriptions(draw: st.DrawFn) -> Observation:
    """Any version of any of three subscriptions; a revision tells which, as in the real world."""
    place, revision = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    seed = place * 7 + revision
    status = list(SubscriptionStatus)[seed % 6]
    if seed % 5 == 0:
        return a_listed_subscription(id_=f"s{place}", revision=revision, status=status)
    lines = a_line(None if seed % 7 == 0 else seed), a_line(seed, service="svc2")
    gone = seed % 4 == 0
    more: dict[str, Any] = {"revision": revision, "status": status, "present": not gone}
    return a_subscription(id_=f"s{place}", lines=() if gone else lines, **more)


@st.composite
def agreement_lines(draw: st.DrawFn) -> Observation:
    place, revision = draw(st.integers(1, 2)), draw(st.integers(1, 6))
    return an_agreement_line(
        place * revision,
        id_=f"add{place}",
        product_id=f"prod{place}",
        revision=revision,
        present=revision % 3 > 0,
    )


NEWS = st.lists(st.one_of(subscriptions(), agreement_lines()), min_size=1, max_size=12)


@given(news=NEWS, data=st.data())
def test_news_in_any_order_and_repeated_gives_the_same_lines(
    news: list[Observation], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(news)) + data.draw(
        st.lists(st.sampled_from(news or [a_subscription()]))
    )
    news = news or ([a_subscription()] if shuffled else [])

    assert told(shuffled) == told(news)


@given(quantities=st.lists(QUANTITIES, min_size=1, max_size=6))
def test_a_sum_is_a_number_exactly_when_every_part_is(quantities: list[int | None]) -> None:
    many = [a_subscription(quantity, id_=f"s{place}") for place, quantity in enumerate(quantities)]

    [line] = the_lines(*many, an_agreement_line(1))

    known = [quantity for quantity in quantities if quantity is not None]
    count = line.vendor_count
    assert (count.number if len(known) == len(quantities) else count.known_part) == sum(known)
    assert (count.number is None) == (len(known) < len(quantities))


def told(news: list[Observation]) -> list[UsageLine]:
    return sorted(the_lines(*news, services=SERVICES), key=lambda line: line.line_id)
