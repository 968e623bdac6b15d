"""docker-compose.yml gives each service all the settings that the service needs, and no others."""

import json
import re
import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from compose_file import OPERATOR_VARIABLES, ROOT, example_variables, load_compose, make_secrets, services
from dockerfile import parse_stages
from pydantic_settings import BaseSettings

import sandbox.app
import sandbox.settings
import shared.kafka.topics
import shared.runtime.settings

OURS = ("auth", "vendor-sync", "psa-sync", "matcher", "billing", "console")
IMAGE_ENVIRONMENT = dict(word.split("=", 1) for word in parse_stages()[""].argument_of("ENV").split())
PORT = IMAGE_ENVIRONMENT["HTTP__PORT"]
LISTENS = {"HTTP__HOST": IMAGE_ENVIRONMENT["HTTP__HOST"], "HTTP__PORT": PORT}
OF_THE_SERVER = {"FORWARDED_ALLOW_IPS"}
"""Variables that uvicorn reads by itself."""

Load = Callable[[str], Any]


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("secrets")
    make_secrets(directory)
    return directory


@pytest.fixture
def load(secrets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Settings of a service from just what it finds in its container."""

    def load_settings(name: str) -> Any:
        for variable, value in (LISTENS | services()[name]["environment"]).items():
            monkeypatch.setenv(variable, value)
        for secret in services()[name]["secrets"]:
            shutil.copy(secrets / secret["source"], tmp_path / secret["target"])
        return settings_of(name)(_secrets_dir=tmp_path)

    return load_settings


def module_of(name: str, part: str) -> Any:
    return import_module(f"{name.replace('-', '_')}.{part}")


def settings_of(name: str) -> type[BaseSettings]:
    settings: type[BaseSettings] = module_of(name, "settings").Settings
    return settings


def is_secret(name: str, variable: str) -> bool:
    """Whether the variable is a secret; raises `KeyError` when the service has no such setting."""
    kind: Any = settings_of(name)
    for part in variable.lower().split("__"):
        kind = kind.model_fields[part].annotation
    return "SecretStr" in repr(kind)


async def get_status(app: Any, path: str) -> int:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return (await client.get(path)).status_code


@pytest.mark.parametrize("name", OURS)
def test_a_service_starts_with_the_settings_that_it_is_given(name: str, load: Load) -> None:
    settings = load(name)

    assert str(settings.http.port) == PORT


@pytest.mark.parametrize("name", OURS)
def test_a_service_finds_its_secrets_and_nothing_else_in_files(name: str) -> None:
    service = services()[name]

    ours = set(service["environment"]) - OF_THE_SERVER
    secret_variables = {variable for variable in ours if is_secret(name, variable)}
    plain_files = {file["target"] for file in service["secrets"] if not is_secret(name, file["target"])}

    assert (secret_variables, plain_files) == (set(), set())


@pytest.mark.parametrize("name", [name for name in OURS if name != "console"])
def test_a_service_signs_in_to_its_own_database_as_itself(name: str, load: Load) -> None:
    settings = load(name)

    assert settings.mongo.database == name
    assert urlsplit(settings.mongo.url.get_secret_value()).username == name


@pytest.mark.parametrize("name", [name for name in OURS if name != "auth"])
def test_a_service_asks_auth_where_auth_listens(name: str) -> None:
    names = ["auth", *services()["auth"]["networks"]["backbone"]["aliases"]]

    assert services()[name]["environment"]["AUTH__URL"] in {f"http://{each}:{PORT}" for each in names}


def test_auth_believes_whose_browser_calls_only_where_the_console_calls() -> None:
    auth, console = services()["auth"], services()["console"]
    backbone = load_compose(**example_variables() | OPERATOR_VARIABLES)["networks"]["backbone"]
    [inside] = auth["networks"]["backbone"]["aliases"]

    assert backbone["internal"] is True
    assert auth["environment"]["FORWARDED_ALLOW_IPS"] == backbone["ipam"]["config"][0]["subnet"]
    assert console["environment"]["AUTH__URL"] == f"http://{inside}:{PORT}"
    assert auth["networks"]["edge"] == {}  # the alias leads over the backbone, and nowhere else


@pytest.mark.parametrize("name", ["vendor-sync", "psa-sync"])
def test_auth_knows_the_token_of_a_service_that_asks_for_access(name: str, load: Load) -> None:
    known = load("auth").service_tokens[name]

    assert load(name).auth.service_token == known


@pytest.mark.parametrize("name", OURS)
async def test_a_service_answers_the_health_check_of_its_image(name: str, load: Load) -> None:
    app = module_of(name, "app").create_app(load(name))

    assert "'/health/live'" in parse_stages()[""].argument_of("HEALTHCHECK")
    assert await get_status(app, "/health/live") == 200


def test_topics_are_laid_out_by_the_variables_that_the_readme_names(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "deploy/README.md").read_text("utf-8")
    named = dict(re.findall(r'`(TOPICS__\w+): "(\d+)"`', text))
    for variable, value in (services()["topics"]["environment"] | named).items():
        monkeypatch.setenv(variable, value)

    layout = shared.runtime.settings.load(shared.kafka.topics.TopicCreatorSettings).topics

    assert layout.model_dump(mode="json") == {
        variable.removeprefix("TOPICS__").lower(): int(value) for variable, value in named.items()
    }
    assert {topic.replication_factor for topic in shared.kafka.topics.topics(layout)} == {layout.replicas}


async def test_the_sandbox_starts_and_answers_its_health_check(monkeypatch: pytest.MonkeyPatch) -> None:
    service = services()["sandbox"]
    for variable, value in service["environment"].items():
        assert variable.removeprefix("SANDBOX__").lower() in sandbox.settings.Settings.model_fields
        monkeypatch.setenv(variable, value)

    settings = sandbox.settings.Settings()

    assert service["ports"][0].endswith(f":{settings.port}")
    assert f"'127.0.0.1', {settings.port}," in service["healthcheck"]["test"][-1]
    assert "'/health/ready'" in service["healthcheck"]["test"][-1]
    assert await get_status(sandbox.app.create_app(settings), "/health/ready") == 200


@pytest.mark.parametrize("name", ["auth", "vendor-sync", "psa-sync"])
def test_only_the_sandbox_profile_exempts_an_address_and_it_is_the_sandboxs(name: str, load: Load) -> None:
    simulated = services(COMPOSE_PROFILES="sandbox")

    usual = load(name).outbound.allowed_origins

    exempt = json.loads(simulated[name]["environment"]["OUTBOUND__ALLOWED_ORIGINS"])
    assert usual == ()
    assert exempt == [f"http://sandbox:{simulated['sandbox']['environment']['SANDBOX__PORT']}"]
