import pytest
from pydantic_settings import BaseSettings

from shared.settings import KafkaSettings, MongoSettings, ServiceSettings, load


class Example(ServiceSettings):
    kafka: KafkaSettings
    mongo: MongoSettings


class Numbered(BaseSettings):
    port: int


def told(cls: type[BaseSettings], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as stopped:
        load(cls)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_a_missing_setting_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAFKA__SERVERS", "127.0.0.1:9092")
    monkeypatch.setenv("MONGO__DATABASE", "example")

    line = told(Example, capsys)

    assert line == "setting MONGO__URL is missing: set it in the environment\n"


def test_a_missing_group_is_named_by_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(Example, capsys)

    assert lines.startswith("setting KAFKA__SERVERS is missing")
    assert "setting MONGO__URL and MONGO__DATABASE is missing" in lines
    assert lines.count("\n") == 1


def test_a_wrong_setting_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "canary")

    line = told(Numbered, capsys)

    assert line.startswith("setting PORT is wrong")
    assert "canary" not in line
