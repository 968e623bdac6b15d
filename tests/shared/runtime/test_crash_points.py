import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.server

PROGRAM = """
from shared.runtime import crash_points
crash_points.arm()
crash_points.reached("outbox-sent", "a.topic")
print("lived")
"""


def run_process(**settings: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("TRUEUP_")}
    return subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-c", PROGRAM], env=env | settings, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("where", ["outbox-sent", "outbox-sent a.topic"])
def test_a_process_dies_at_the_point_that_is_named_and_says_so(where: str) -> None:
    died = run_process(TRUEUP_CRASH_AT=where, TRUEUP_TEST_CRASHES="yes")

    assert died.returncode == -9
    assert died.stderr == f"crash point reached: {where}\n"


@pytest.mark.parametrize("where", ["outbox-sent b.topic", "batch-stored"])
def test_a_process_lives_on_at_every_other_point(where: str) -> None:
    assert run_process(TRUEUP_CRASH_AT=where, TRUEUP_TEST_CRASHES="yes").stdout == "lived\n"


@pytest.mark.parametrize(("named", "code"), [("outbox-sent a.topic", -9), ("batch-stored", 0), (None, 0)])
def test_a_process_that_runs_dies_at_the_point_that_a_file_names(
    tmp_path: Path, named: str | None, code: int
) -> None:
    file = tmp_path / "point"
    if named:
        file.write_text(named, "utf-8")

    assert run_process(TRUEUP_CRASH_AT=f"@{file}", TRUEUP_TEST_CRASHES="yes").returncode == code


def test_nothing_dies_unless_asked_to() -> None:
    assert run_process(TRUEUP_TEST_CRASHES="yes").stdout == "lived\n"


@pytest.mark.parametrize(
    "settings",
    [{"TRUEUP_CRASH_AT": "outbox-sent"}, {"TRUEUP_CRASH_AT": "nowhere", "TRUEUP_TEST_CRASHES": "yes"}],
    ids=["outside a test", "unknown point"],
)
def test_a_crash_that_may_not_be_is_refused_in_one_line(settings: dict[str, str]) -> None:
    refused = run_process(**settings)

    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.count("\n") == 1
