"""A small storm: the large one is `make storm`."""

import pytest
from reviewed_system import ReviewedSystem
from storm import flood

pytestmark = pytest.mark.live


async def test_after_a_storm_in_every_topic_all_services_are_ready_and_have_caught_up(
    crashing: ReviewedSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await flood(crashing.system, messages=70)

    output = capsys.readouterr().out
    assert code == 0, output
    assert "WRONG" not in output
    assert "70 bad messages into each of 28 topics" in output
