import base64
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from auth_env import KEY, auth_settings
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from auth.people.tokens import TokenSigner
from shared.runtime.settings import AuthSettings
from shared.web.token_verification import TokenVerifier

pytestmark = pytest.mark.server

WHOLE = {
    "KAFKA__SERVERS": "127.0.0.1:9",
    "MONGO__URL": "mongodb://127.0.0.1:9",
    "REDIS__URL": "redis://127.0.0.1:9",
    "TENANTS": '[{"id":"demo","name":"Demo MSP","currency":"USD","time_zone":"UTC"}]',
    "ADMIN__TENANT_ID": "demo",
    "ADMIN__EMAIL": "admin@demo.example",
    "ADMIN__PASSWORD": "canary password",
    "SERVICE_TOKENS": '{"vendor-sync":"canary-token-of-vendor-sync"}',
    "SIGNING_KEY": KEY,
    "SEALING__KEYS": f'{{"k1":"{KEY}"}}',
    "SEALING__CURRENT": "k1",
}


START_EACH = """
import contextlib, io, json, os, sys
from auth.app import create_app
from auth.settings import Settings
from shared.runtime.command_line import main

for environment in json.load(sys.stdin):
    os.environ.clear()
    os.environ.update(environment)
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.suppress(SystemExit):
        main(create_app, Settings, "auth", [])
    print(json.dumps(said.getvalue()))
"""
"""Starts auth once for each environment, each of which ends it at once; prints what each start said."""

WRONG = [
    ("SIGNING_KEY", None, "SIGNING_KEY"),
    ("SEALING__KEYS", None, "SEALING__KEYS"),
    ("SIGNING_KEY", "canary", "SIGNING_KEY"),
    ("SEALING__CURRENT", "k2", "SEALING__CURRENT"),
    (
        "ADMIN__NAME",
        "n" * 500,
        "setting ADMIN__NAME is wrong: tokens state it, and take 200 characters, not 500: shorten",
    ),
    (
        "ADMIN__NAME",
        "\x1b[2J",
        "setting ADMIN__NAME is wrong: tokens state it, and take no control characters",
    ),
    ("ADMIN__NAME", "", "setting ADMIN__NAME is wrong: tokens state it, so it is not empty"),
    (
        "ADMIN__EMAIL",
        "a" * 290 + "@demo.example",
        "setting ADMIN__EMAIL is wrong: String should have at most 300 char",
    ),
    ("ADMIN__EMAIL", "a\x1b@demo.example", "setting ADMIN__EMAIL is wrong"),
    (
        "ADMIN__PASSWORD",
        "canary" * 51,
        "setting ADMIN__PASSWORD is wrong: nobody can sign in with more than 300 char",
    ),
    (
        "TENANTS",
        f'[{{"id":"{"t" * 201}","name":"Demo MSP"}}]',
        "setting TENANTS__0__ID is wrong: tokens state it, and take 200 characters, not 201: shorten it",
    ),
    (
        "TENANTS",
        '[{"id":"","name":"Demo MSP"}]',
        "setting TENANTS__0__ID is wrong: tokens state it, so it is not empty",
    ),
]
"""A variable, its value or None for none, and what the sentence says that ends the start."""


def environment_with(variable: str, value: str | None) -> dict[str, str]:
    environment = {name: text for name, text in WHOLE.items() if name != variable}
    return environment | ({variable: value} if value is not None else {})


def test_a_wrong_setting_ends_the_process_with_code_2_and_one_line() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "auth"],
        env={"PATH": os.environ["PATH"]} | environment_with("SIGNING_KEY", None),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "setting SIGNING_KEY is missing: set it in the environment\n"


def test_a_wrong_setting_is_named_in_one_line_that_tells_no_secret() -> None:
    environments = [environment_with(variable, value) for variable, value, _ in WRONG]

    starts = subprocess.run(  # noqa: S603 (ours)
        [sys.executable, "-c", START_EACH],
        input=json.dumps(environments),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    said = [json.loads(line) for line in starts.stdout.splitlines()]
    assert len(said) == len(WRONG)
    for (_, _, sentence), text in zip(WRONG, said, strict=True):
        assert sentence in text
        assert len(text.splitlines()) == 1
        assert "canary" not in text


@pytest.mark.parametrize("character", ["n", "😀", '"'])
async def test_an_admin_with_the_longest_names_has_a_token_that_is_accepted(character: str) -> None:
    longest = character * 200
    admin = {"tenant_id": longest, "email": "a@b.example", "password": "long enough", "name": longest}
    tenants = [{"id": longest, "name": "Demo MSP"}]
    settings = auth_settings(tenants=tenants, admin=admin, auth={"issuer": longest})
    signer = TokenSigner(KEY, settings.auth.issuer, settings.auth.lifetime)

    issued = signer.sign(settings.admin.member.person, datetime.now(UTC))

    person = await TokenVerifier(AuthSettings(url="", issuer=longest), signer).person(issued.token)
    assert (person.name, person.tenant_id) == (longest, longest)


@pytest.mark.parametrize(
    "changed",
    [
        {"sealing": {"keys": {"k1": base64.b64encode(b"short").decode()}, "current": "k1"}},
        {"admin": {"tenant_id": "nowhere", "email": "a@b.example", "password": "long enough"}},
        {"service_tokens": {"matcher": "canary-token-of-matcher"}},
        {"service_tokens": {"vendor-sync": "short"}},
        {"tenants": []},
        {"tenants": [{"id": "demo", "name": "Demo MSP", "time_zone": "Nowhere"}]},
    ],
    ids=["short sealing key", "admin of no tenant", "unknown service", "short token", "no tenant", "no zone"],
)
def test_settings_that_do_not_fit_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        auth_settings(**changed)


def test_settings_show_no_secret() -> None:
    assert "canary" not in repr(auth_settings())


@pytest.mark.parametrize("broken", [False, True], ids=["with line breaks", "line breaks written out"])
def test_a_signing_key_may_be_a_pem(broken: bool) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    assert auth_settings(signing_key=pem.decode().replace("\n", "\\n" if broken else "\n"))
