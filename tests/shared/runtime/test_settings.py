from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from shared.runtime.settings import KafkaSettings, MongoSettings, ServiceSettings, load


class Example(ServiceSettings):
    kafka: KafkaSettings
    mongo: MongoSettings


class Numbered(BaseSettings):
    port: int


class Listed(BaseSettings):
    names: list[str]


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """As a container engine lays them: one file for each, named like the variable, with a final newline."""
    (tmp_path / "KAFKA__SERVERS").write_text("secret:9092\n", "utf-8")
    (tmp_path / "MONGO__URL").write_text("mongodb://secret\n", "utf-8")
    return tmp_path


def printed_line(cls: type[BaseSettings], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as stopped:
        load(cls)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_a_missing_setting_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAFKA__SERVERS", "127.0.0.1:9092")
    monkeypatch.setenv("MONGO__DATABASE", "example")

    line = printed_line(Example, capsys)

    assert line == "setting MONGO__URL is missing: set it in the environment\n"


def test_a_missing_group_is_named_by_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed_line(Example, capsys)

    assert lines.startswith("setting KAFKA__SERVERS is missing")
    assert "setting MONGO__URL and MONGO__DATABASE is missing" in lines
    assert lines.count("\n") == 1


def test_a_wrong_setting_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "canary")

    line = printed_line(Numbered, capsys)

    assert line.startswith("setting PORT is wrong")
    assert "canary" not in line


def test_a_secret_file_fills_in_one_setting_of_a_group(
    monkeypatch: pytest.MonkeyPatch, secrets: Path
) -> None:
    monkeypatch.setenv("MONGO__DATABASE", "example")

    settings = Example(_secrets_dir=secrets)

    assert settings.mongo.url.get_secret_value() == "mongodb://secret"
    assert settings.mongo.database == "example"


def test_a_variable_wins_over_a_secret_file(monkeypatch: pytest.MonkeyPatch, secrets: Path) -> None:
    monkeypatch.setenv("KAFKA__SERVERS", "variable:9092")
    monkeypatch.setenv("MONGO__DATABASE", "example")

    settings = Example(_secrets_dir=secrets)

    assert settings.kafka.servers == "variable:9092"


def test_text_that_is_no_list_is_named_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NAMES", "canary")

    line = printed_line(Listed, capsys)

    assert '"names"' in line
    assert "canary" not in line
    assert line.count("\n") == 1
