"""How long a command may wait to be carried out: minutes, and never into a second midnight."""

from datetime import timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from billing.approvals.models import VALID_FOR
from billing.settings import Settings

SETTING = Settings.model_fields["approval_valid_for"]
VALID = TypeAdapter(Settings.__annotations__["approval_valid_for"])


def test_a_command_is_valid_for_half_an_hour_unless_the_operator_says_otherwise() -> None:
    assert (SETTING.default, VALID_FOR) == (timedelta(minutes=30), timedelta(minutes=30))


@pytest.mark.parametrize(("text", "minutes"), [("PT1M", 1), ("PT2H", 120), ("PT12H", 720)])
def test_the_operator_sets_it_as_a_duration(text: str, minutes: int) -> None:
    assert VALID.validate_python(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["PT0S", "-PT5M", "PT12H1S", "P1D", "soon"])
def test_no_time_at_all_and_more_than_half_a_day_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        VALID.validate_python(text)
