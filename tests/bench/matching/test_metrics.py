"""The figures of hand-made predictions, calculated by hand."""

import pytest

from tests.bench.matching.metrics import Predictions, accuracy, accuracy_by
from tests.bench.matching.models import Label

TRUTH = {
    "a": Label("1", "same name", "exact"),
    "b": Label("2", "drop form", "light"),
    "c": Label("3", "initials", "hard"),
    "d": Label(None, "unknown", "absent"),
}


def predictions(**ranked: list[tuple[str, float]]) -> Predictions:
    return Predictions(ranked, {})


def test_an_item_counts_for_recall_at_1_and_5_by_the_place_of_its_truth() -> None:
    found = accuracy(TRUTH, predictions(a=[("1", 0.9)], b=[("9", 0.6), ("2", 0.3)], c=[("9", 0.2)]))

    assert found.recall_at_1 == pytest.approx(1 / 3)
    assert found.recall_at_5 == pytest.approx(2 / 3)


def test_a_sixth_proposal_is_not_seen() -> None:
    wrong = [(str(number), 0.5) for number in range(10, 15)]

    assert accuracy({"a": TRUTH["a"]}, predictions(a=[*wrong, ("1", 0.4)])).recall_at_5 == 0


def test_a_shown_proposal_for_what_has_no_counterpart_is_wrong_and_covers_nothing() -> None:
    found = accuracy(TRUTH, predictions(a=[("1", 0.95)], d=[("2", 0.95)])).shown[0.9]

    assert (found.items, found.precision) == (2, 0.5)
    assert found.coverage == pytest.approx(1 / 3)


def test_what_is_shown_depends_on_the_threshold() -> None:
    found = accuracy(TRUTH, predictions(a=[("1", 0.9)], b=[("2", 0.89)]))

    assert found.shown[0.9].items == 1
    assert found.shown[0.8].items == 2


def test_coverage_at_a_precision_takes_the_lowest_threshold_that_holds_it() -> None:
    ranked = {"a": [("1", 0.9)], "d": [("7", 0.5)], "b": [("2", 0.7)], "c": [("3", 0.4)]}

    assert accuracy(TRUTH, predictions(**ranked)).coverage_at_precision == pytest.approx(2 / 3)


def test_proposals_of_one_score_are_shown_together_or_not_at_all() -> None:
    ranked = {"a": [("1", 0.9)], "b": [("9", 0.9)]}

    assert accuracy(TRUTH, predictions(**ranked)).coverage_at_precision == 0


def test_the_calibration_error_is_the_distance_between_score_and_share_of_right_ones() -> None:
    two_of_one_bin = predictions(a=[("1", 0.92)], b=[("9", 0.94)])

    assert accuracy(TRUTH, two_of_one_bin).calibration_error == pytest.approx(0.43)


def test_bins_are_averaged_by_their_sizes() -> None:
    ranked = {"a": [("1", 1.0)], "b": [("2", 1.0)], "c": [("9", 0.3)]}

    assert accuracy(TRUTH, predictions(**ranked)).calibration_error == pytest.approx(0.1)


def test_an_automatic_mapping_is_wrong_when_its_item_has_another_counterpart_or_none() -> None:
    found = accuracy(TRUTH, Predictions({}, {"a": "1", "b": "9", "d": "1"}))

    assert (found.auto, found.wrong_auto) == (3, 2)


def test_what_is_mapped_and_not_proposed_counts_as_found() -> None:
    assert accuracy(TRUTH, Predictions({}, {"a": "1"})).recall_at_1 == pytest.approx(1 / 3)


def test_nothing_proposed_is_nothing_wrong() -> None:
    found = accuracy(TRUTH, predictions())

    assert (found.recall_at_1, found.coverage_at_precision, found.calibration_error) == (0, 0, 0)
    assert found.shown[0.9].precision == 1


def test_figures_are_told_by_class_and_by_kind() -> None:
    found = predictions(a=[("1", 1.0)])

    assert accuracy_by(TRUTH, found)["exact"].recall_at_1 == 1
    assert accuracy_by(TRUTH, found)["light"].recall_at_1 == 0
    assert [*accuracy_by(TRUTH, found, attribute="kind")] == ["drop form", "initials", "same name", "unknown"]


def test_predictions_are_read_from_the_file_of_the_trial() -> None:
    document = {"proposals": {"a": [{"psa_id": "1", "score": 0.75}]}, "auto": {"b": "2"}}

    found = Predictions.from_json(document)

    assert found.ranked("a") == [("1", 0.75)]
    assert found.ranked("b") == [("2", 1.0)]
    assert found.ranked("c") == []
