"""A public client drives the PSA: it notices behaviour that only our own connector would accept."""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import sandbox_process
import trustme

pytestmark = pytest.mark.server

CLIENT = Path(__file__).parents[1] / "support" / "psa_client.py"


@contextmanager
def a_certified_sandbox(folder: Path) -> Iterator[httpx.Client]:
    """The sandbox over TLS, with the certificate of its authority in `authority.pem`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    both = str(folder / "both.pem")
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(both)
    with sandbox_process.run_sandbox(folder, SANDBOX__TLS_CERT=both, SANDBOX__TLS_KEY=both) as process:
        origin = f"https://localhost:{process.port}"
        trust = ssl.create_default_context(cafile=str(folder / "authority.pem"))
        with httpx.Client(base_url=f"{origin}/_sandbox", verify=trust) as control:
            yield control


def drive(folder: Path, control: httpx.Client) -> dict[str, Any]:
    """Run the public client from discovery to a written quantity and return what it saw."""
    keys = control.get("credentials").json()["connectwise"]
    part = control.get("scenario").json()["parts"]["increase"]
    given = [keys[name] for name in ("company", "public_key", "private_key", "client_id")]
    line = [str(part["agreement_ids"][0]), str(part["addition_ids"][0])]
    ran = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(CLIENT), keys["host"].removeprefix("https://"), *given, *line],
        env=os.environ | {"REQUESTS_CA_BUNDLE": str(folder / "authority.pem")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    seen: dict[str, Any] = json.loads(ran.stdout)
    return seen | {"part": part}


def test_the_public_client_discovers_pages_and_writes_a_quantity(tmp_path: Path) -> None:
    with a_certified_sandbox(tmp_path) as control:
        seen = drive(tmp_path, control)
        state = control.get("state").json()["connectwise"]
        writes = control.get("writes").json()["writes"]

    assert seen["codebase"] == "v2025_1/"
    assert seen["names"] == [company["name"] for company in state["companies"]]
    assert (seen["before"], seen["after"]) == (seen["part"]["psa_quantity"], 14.0)
    assert [(write["line_id"], write["after"], write["effective"]) for write in writes] == [
        (seen["part"]["addition_ids"][0], 14.0, True)
    ]
