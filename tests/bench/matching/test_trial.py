"""An engine is run as a process, measured, and compared with other methods."""

import sys
from datetime import date
from pathlib import Path

import pytest

from tests.bench.matching.accounts import labelled_accounts
from tests.bench.matching.accuracy_table import BEGIN, END, published, write_page
from tests.bench.matching.comparison import TRUEUP, compare, definitions
from tests.bench.matching.files import read_truth
from tests.bench.matching.services import labelled_services
from tests.bench.matching.trial import EngineFailure, run_trial

pytestmark = pytest.mark.server
TINY = (sys.executable, "-m", "tests.bench.matching.tiny_engine")


def test_an_engine_is_measured_by_what_it_writes(tmp_path: Path) -> None:
    labelled = labelled_accounts(200, 1)

    trial = run_trial(TINY, labelled, tmp_path)

    assert trial.predictions.proposals
    assert 0 < trial.seconds < 60
    assert trial.peak_mb > 1


def test_the_truth_is_written_beside_the_lists_and_read_again(tmp_path: Path) -> None:
    labelled = labelled_accounts(200, 1)
    run_trial(TINY, labelled, tmp_path)

    assert read_truth(tmp_path / "accounts_truth.json") == labelled.truth


def test_an_engine_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(EngineFailure, match=r"(?s)status 2: .*told to fail"):
        run_trial((*TINY, "--fail"), labelled_accounts(20, 1), tmp_path)


def test_predictions_of_an_earlier_run_are_never_taken_for_this_one(tmp_path: Path) -> None:
    labelled = labelled_accounts(20, 1)
    run_trial(TINY, labelled, tmp_path)

    with pytest.raises(EngineFailure, match="wrote no"):
        run_trial((sys.executable, "-c", "pass"), labelled, tmp_path)


def test_equal_names_are_never_mapped_wrongly(tmp_path: Path) -> None:
    for labelled in (labelled_accounts(400, 2), labelled_services(90, 300, 2)):
        tiny, exact = compare(labelled, tmp_path, engine=TINY, methods=("exact",))

        assert (tiny.method, exact.method) == (TRUEUP, "exact")
        assert exact.whole.wrong_auto == 0
        assert exact.whole.shown[0.9].precision == 1
    assert exact.whole.with_counterpart < exact.whole.items


def test_the_table_shows_methods_side_by_side_and_the_engine_by_class(tmp_path: Path) -> None:
    measured = compare(labelled_accounts(300, 4), tmp_path, engine=TINY, methods=("exact",))

    lines = published({"accounts 300 × 300": measured}, date(2026, 11, 30), "2 cores").splitlines()

    assert lines[0] == "Measured on 2026-11-30 by `make bench ROWS=matching`, 2 cores."
    assert "**Accounts 300 × 300**" in lines
    assert [line.split(" | ")[0] for line in lines if line.startswith(("| Trueup", "| exact |"))] == [
        "| Trueup",
        "| exact",
        "| exact",
    ]
    assert len({line.count("|") for line in lines if line.startswith("| ") and "method" in line}) == 1


def test_a_page_gets_the_text_between_its_marks_and_keeps_the_rest(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n", "utf-8")

    write_page(page, "new")
    write_page(page, "newer")

    assert page.read_text("utf-8") == f"before\n\n{BEGIN}\n\nnewer\n\n{END}\n\nafter\n"


def test_a_page_without_marks_is_refused_and_unchanged(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("nothing to replace", "utf-8")

    with pytest.raises(ValueError, match="needs the lines"):
        write_page(page, "new")
    assert page.read_text("utf-8") == "nothing to replace"


def test_a_first_look_leaves_the_largest_set_out() -> None:
    assert [each.title for each in definitions(quick=True)] == [
        "accounts 1,000 × 1,000",
        "accounts 1,000 × 1,000, names alone",
        "services 600 × 2,000",
    ]
    assert any("100,000" in each.title for each in definitions(quick=False))
