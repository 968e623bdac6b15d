"""An odd subscription changes no line that it is no part of."""

import pytest

from tests.simulation.twins import ODD, shown_at_rest, twin_decisions

pytestmark = pytest.mark.server  # it takes as long as those that start servers


@pytest.mark.parametrize("seed", ["1", "2"])
def test_every_other_line_is_as_if_the_odd_subscription_were_not_there(seed: str) -> None:
    decisions = twin_decisions(seed, 60)

    without = shown_at_rest(seed, decisions, with_odd=False)
    beside = shown_at_rest(seed, decisions, with_odd=True)

    odd_places = {(ODD.account, target[1]) for target in beside.keys() - without.keys()}
    assert {target: told for target, told in beside.items() if target not in odd_places} == without
    assert len(odd_places) <= 1
