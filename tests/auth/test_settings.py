import base64
import os
import subprocess
import sys
from typing import Any

import pytest
from auth_env import KEY, auth_settings
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

pytestmark = pytest.mark.server

WHOLE = {
    "KAFKA__SERVERS": "127.0.0.1:9",
    "MONGO__URL": "mongodb://127.0.0.1:9",
    "TENANTS": '[{"id":"demo","name":"Demo MSP","currency":"USD","time_zone":"UTC"}]',
    "ADMIN__TENANT_ID": "demo",
    "ADMIN__EMAIL": "admin@demo.example",
    "ADMIN__PASSWORD": "canary password",
    "SERVICE_TOKENS": '{"vendor-sync":"canary-token-of-vendor-sync"}',
    "SIGNING_KEY": KEY,
    "SEALING__KEYS": f'{{"k1":"{KEY}"}}',
    "SEALING__CURRENT": "k1",
}


def started(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    path = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, "-m", "auth"],
        env=path | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SIGNING_KEY", None),
        ("SEALING__KEYS", None),
        ("SIGNING_KEY", "canary"),
        ("SEALING__CURRENT", "k2"),
    ],
)
def test_a_wrong_setting_ends_the_start_with_one_line_that_names_it(variable: str, value: str | None) -> None:
    environment = {name: text for name, text in WHOLE.items() if name != variable}

    ended = started(environment | ({variable: value} if value else {}))

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert variable in ended.stderr
    assert "canary" not in ended.stderr


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
