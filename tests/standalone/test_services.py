"""The settings of each service: all that it needs, and nobody else's secrets."""

import json
import subprocess

import pytest
from processes import python, run_to_end

from shared.runtime.settings import KafkaSettings
from standalone.credentials import Credentials
from standalone.services import SANDBOX, SERVICES, Servers, SystemContext, service_environment

pytestmark = pytest.mark.server

LOADS = """
import importlib, sys
from shared.runtime.settings import load
load(importlib.import_module(sys.argv[1]).Settings)
"""


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> SystemContext:
    return SystemContext(
        servers=Servers(
            KafkaSettings(servers="127.0.0.1:1"),
            "mongodb://127.0.0.1:2/?replicaSet=x",
            "redis://127.0.0.1:3/0",
        ),
        credentials=Credentials.load_or_create(tmp_path_factory.mktemp("secrets") / "secrets.json"),
        ports={name: 10 + number for number, name in enumerate((SANDBOX, *SERVICES))},
        seed=7,
    )


def load_settings(name: str, env: dict[str, str]) -> subprocess.Popen[str]:
    return python("-c", LOADS, f"{name.replace('-', '_')}.settings", **env)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_accepts_the_settings_it_is_given(name: str, context: SystemContext) -> None:
    code, _, error_output = run_to_end(load_settings(name, service_environment(name, context)))

    assert (code, error_output) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_is_given_secrets_that_it_has_no_use_for(name: str, context: SystemContext) -> None:
    secrets = context.credentials
    env = json.dumps(service_environment(name, context))
    tokens = {owner for owner, token in secrets.service_tokens.items() if token in env}

    assert tokens == (set(secrets.service_tokens) if name == "auth" else {name} & set(secrets.service_tokens))
    for secret in (secrets.signing_key, secrets.admin_password, *secrets.sealing_keys.values()):
        assert (secret in env) == (name == "auth")


@pytest.mark.parametrize("name", ["auth", "vendor-sync", "psa-sync"])
def test_only_the_sandbox_itself_is_exempt_from_the_rule_of_public_addresses(
    name: str, context: SystemContext
) -> None:
    assert json.loads(service_environment(name, context)["OUTBOUND__ALLOWED_ORIGINS"]) == [
        context.url(SANDBOX)
    ]
