import re
from pathlib import Path

import pytest

from tests.bench.harness import (
    Measurement,
    Pair,
    Row,
    Sample,
    Sign,
    Spread,
    Target,
    alternate,
    row_of_rates,
    row_of_times,
)
from tests.bench.report import save, table

AT_LEAST, AT_MOST = Target(Sign.AT_LEAST, 0.6), Target(Sign.AT_MOST, 1.5)


def taking(*seconds: float) -> list[Sample]:
    """Samples of the same work that took this long."""
    return [Sample(value, 100, cpu_seconds=value / 2, peak_mb=80) for value in seconds]


def pairs_of(ours: list[Sample], bare: list[Sample]) -> list[Pair]:
    return [Pair(*sides) for sides in zip(ours, bare, strict=True)]


async def test_the_two_sides_take_turns() -> None:
    measured: list[str] = []

    def side(name: str) -> Measurement:
        async def measure() -> Sample:
            measured.append(name)
            return Sample(1, 1)

        return measure

    pairs = await alternate(side("ours"), side("bare"), 3)

    assert measured == ["ours", "bare"] * 3
    assert len(pairs) == 3


async def test_no_pair_is_begun_when_time_is_up_but_there_is_always_one() -> None:
    async def at_once() -> Sample:
        return Sample(1, 1)

    pairs = await alternate(at_once, at_once, 3, within_seconds=0)

    assert len(pairs) == 1


@pytest.mark.parametrize(("number", "cautions"), [(4, ("4 of the 5 pairs that a verdict takes",)), (5, ())])
def test_a_row_of_too_few_pairs_says_so(number: int, cautions: tuple[str, ...]) -> None:
    pairs = pairs_of(taking(*[2] * number), taking(*[1] * number))

    assert row_of_times("approving", pairs, AT_MOST).notes == cautions
    assert row_of_rates("pipeline", "things/s", pairs, AT_LEAST).notes == cautions


def test_the_middle_is_the_median_and_outliers_only_show_at_the_ends() -> None:
    assert Spread.of([1, 100, 2, 3, 2]) == Spread(2, 1, 100)


def test_half_the_rate_is_a_ratio_of_one_half() -> None:
    row = row_of_rates("pipeline", "things/s", pairs_of(taking(2, 2, 2), taking(1, 1, 1)), AT_LEAST)

    assert (row.ours.median, row.bare and row.bare.median) == (50, 100)
    assert row.ratio == Spread(0.5, 0.5, 0.5)
    assert row.met is False


def test_twice_the_time_is_a_ratio_of_two() -> None:
    row = row_of_times("approving", pairs_of(taking(2, 2, 2), taking(1, 1, 1)), AT_MOST)

    assert (row.ours.median, row.bare and row.bare.median) == (2, 1)
    assert row.ratio == Spread(2, 2, 2)
    assert row.met is False


def test_a_machine_that_slows_down_changes_both_sides_and_no_ratio() -> None:
    ours, bare = taking(1.2, 2.4, 12, 3.6, 1.2), taking(1, 2, 10, 3, 1)

    row = row_of_times("approving", pairs_of(ours, bare), AT_MOST)

    assert row.ratio is not None
    assert row.ratio.most == pytest.approx(row.ratio.least)
    assert row.met is True


@pytest.mark.parametrize(
    ("value", "least", "most"), [(0.59, False, True), (1, True, True), (1.51, True, False)]
)
def test_a_target_knows_its_side(value: float, least: bool, most: bool) -> None:
    assert AT_LEAST.met_by(value) is least
    assert AT_MOST.met_by(value) is most


def test_a_limit_itself_is_within() -> None:
    assert AT_LEAST.met_by(0.6)
    assert AT_MOST.met_by(1.5)


def test_without_a_ratio_the_target_is_compared_with_ours_and_without_a_target_nothing_is_claimed() -> None:
    memory = Row(name="memory", unit="MB", ours=Spread.of([90]), target=Target(Sign.AT_MOST, 150))

    assert memory.met is True
    assert Row(name="reconciling", unit="lines/s", ours=Spread.of([90])).met is None


@pytest.mark.parametrize(
    ("number", "ours", "verdict"),
    [(4, 1, "met, few pairs"), (4, 2, "not met, few pairs"), (5, 1, "met"), (5, 2, "NOT MET")],
)
def test_the_table_gives_no_verdict_of_too_few_pairs(number: int, ours: float, verdict: str) -> None:
    pairs = pairs_of(taking(*[ours] * number), taking(*[1] * number))

    _, line, *_ = table([row_of_times("approving", pairs, AT_MOST)])

    assert re.split(" {2,}", line)[-3] == verdict


def test_the_table_judges_a_row_that_has_no_pairs_by_what_was_measured() -> None:
    memory = Row(name="memory", unit="MB", ours=Spread.of([90]), target=Target(Sign.AT_MOST, 150))

    _, line = table([memory])

    assert line.split()[-1] == "met"


def test_the_table_and_the_file_show_a_missed_target(tmp_path: Path) -> None:
    pairs = pairs_of(taking(2, 2, 4, 2, 2), taking(1, 1, 1, 1, 1))
    row = row_of_times("approving", pairs, AT_MOST, notes=("no HTTP",))

    text = "\n".join(table([row]))
    saved = save([row], tmp_path, quick=True).read_text("utf-8")

    assert "2 (2–4) s" in text
    assert "≤ 1.5   NOT MET  1 / 0.5  80 / 80" in text
    assert "approving: no HTTP" in text
    assert '"met": false' in saved
