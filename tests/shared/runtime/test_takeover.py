import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.server

ASKS = (
    "from datetime import timedelta; from shared.runtime.takeover import takeover_term; "
    "print(takeover_term(timedelta(seconds=20)).total_seconds())"
)


@pytest.mark.parametrize(
    ("setting", "seconds"),
    [
        ({}, 20.0),
        ({"TRUEUP_TEST_TAKEOVER_SECONDS": "4"}, 4.0),
        ({"TRUEUP_TEST_TAKEOVER_SECONDS": "60"}, 20.0),
    ],
    ids=["usual", "shorter", "never longer"],
)
def test_a_test_setting_may_shorten_a_term(setting: dict[str, str], seconds: float) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("TRUEUP_")} | setting

    command = [sys.executable, "-c", ASKS]
    answer = subprocess.run(command, env=env, capture_output=True, text=True, check=True)  # noqa: S603 (our own)

    assert float(answer.stdout) == seconds
