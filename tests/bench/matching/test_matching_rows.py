"""The rows of the bench say what is to be reached, and whether it is."""

from tests.bench.harness import Sign, Target
from tests.bench.matching.accounts import labelled_accounts
from tests.bench.matching.companies import NameStock
from tests.bench.matching.comparison import Measured, definitions
from tests.bench.matching.increments import increment_rows
from tests.bench.matching.metrics import Predictions, accuracy
from tests.bench.matching.models import Label
from tests.bench.matching.rows import rows_of

TRUTH = {"a": Label("1", "same name", "exact"), "b": Label("2", "drop form", "light")}


def measured(seconds: float) -> Measured:
    found = accuracy(TRUTH, Predictions({"a": [("1", 1.0)], "b": [("2", 1.0)]}, {"a": "1", "b": "9"}))
    return Measured("Trueup", found, {}, {}, seconds, 100.0)


def test_each_figure_is_held_to_its_limit() -> None:
    rows = {
        row.name.rpartition(": ")[2]: row for row in rows_of(definitions(quick=True)[0], measured(2.0), 2)
    }

    assert rows["time"].met
    assert rows["recall at 1"].met
    assert rows["wrong automatic mappings"].met is False
    assert rows["calibration error"].target
    assert rows["calibration error"].target.sign is Sign.AT_MOST


def test_what_takes_too_long_is_not_met() -> None:
    rows = {
        row.name.rpartition(": ")[2]: row for row in rows_of(definitions(quick=True)[0], measured(4.0), 2)
    }

    assert rows["time"].met is False


def test_names_alone_are_measured_without_limits_on_what_can_be_found() -> None:
    rows = {
        row.name.rpartition(": ")[2]: row for row in rows_of(definitions(quick=True)[1], measured(2.0), 2)
    }

    assert rows["recall at 1"].met is None
    assert rows["wrong automatic mappings"].met is False


def test_a_change_of_one_account_is_held_to_a_tenth_of_a_second() -> None:
    labelled = labelled_accounts(120, 3, NameStock())

    new, renamed = increment_rows("accounts", labelled)

    assert (new.name, renamed.name) == ("accounts: one new account", "accounts: one renamed company")
    assert new.target == renamed.target == Target(Sign.AT_MOST, 100.0)
    assert new.bare
    assert len(new.samples) == 30
