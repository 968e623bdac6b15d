from collections.abc import Sequence

import pytest
from fastapi import FastAPI

from billing.settings import Settings
from shared.runtime.command_line import main


def no_app(_: Settings) -> FastAPI:
    pytest.fail("no service is to be built")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["consumers"],
        ["consumers", "stop"],
        ["consumers", "pause", "t"],
        ["consumers", "skip", "t:0"],
    ],
    ids=" ".join,
)
def test_wrong_arguments_end_with_code_2_and_how_it_is_called(
    arguments: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(no_app, Settings, "psa-sync", arguments)

    assert ended.value.code == 2
    assert "usage: python -m psa_sync" in capsys.readouterr().err


def test_a_command_reads_the_settings_of_its_service(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(no_app, Settings, "billing", ["consumers", "list"])

    assert ended.value.code == 2
    assert "setting KAFKA__SERVERS is missing" in capsys.readouterr().err


def test_without_arguments_the_service_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:  # as far as its settings, which are missing here
        main(no_app, Settings, "billing", [])

    assert ended.value.code == 2
    assert "setting KAFKA__SERVERS is missing" in capsys.readouterr().err
