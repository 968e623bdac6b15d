"""The sandbox as a process: its settings, its sockets, TLS, and connections that are cut."""

import asyncio
import os
import ssl
import subprocess
import time
from pathlib import Path

import httpx
import pytest
import sandbox_process
import trustme
from sandboxes import psa_headers

from sandbox.identity import derive_identity

pytestmark = pytest.mark.server

API = "/v2025_1/apis/3.0"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "SANDBOX__PORT"),
        ({"SANDBOX__PORT": "many"}, "SANDBOX__PORT"),
        ({"SANDBOX__PORT": "8090", "SANDBOX__SEED": "x"}, "SANDBOX__SEED"),
        ({"SANDBOX__PORT": "8090", "SANDBOX__SUBSCRIPTIONS": "-1"}, "SANDBOX__SUBSCRIPTIONS"),
        ({"SANDBOX__PORT": "8090", "SANDBOX__TLS_CERT": __file__}, "SANDBOX__TLS_KEY"),
        ({"SANDBOX__PORT": "8090", "SANDBOX__TLS_CERT": "/no/such/file"}, "SANDBOX__TLS_CERT"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_missing_or_wrong_setting_is_one_line_and_exit_code_2(settings: dict[str, str], named: str) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("SANDBOX__")} | settings

    ended = subprocess.run(  # noqa: S603 - our own module
        sandbox_process.COMMAND, env=env, capture_output=True, text=True, timeout=30, check=False
    )

    assert ended.returncode == 2
    assert named in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_answers_do_not_wait_for_delayed_acknowledgements(tmp_path: Path) -> None:
    with sandbox_process.run_sandbox(tmp_path) as process, httpx.Client(base_url=process.origin) as client:
        for _ in range(20):
            answer_seconds(client)

        # Without TCP_NODELAY every answer but the first few takes 44 ms, on the idlest machine.
        assert any(answer_seconds(client) < 0.03 for _ in range(500))


def answer_seconds(client: httpx.Client) -> float:
    started = time.perf_counter()
    client.get("/health/ready").raise_for_status()
    return time.perf_counter() - started


def test_it_serves_https_with_a_given_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    both, context = str(tmp_path / "both.pem"), ssl.create_default_context()
    authority.configure_trust(context)

    with sandbox_process.run_sandbox(tmp_path, SANDBOX__TLS_CERT=both, SANDBOX__TLS_KEY=both) as process:
        given = httpx.get(f"https://127.0.0.1:{process.port}/_sandbox/credentials", verify=context).json()

    assert given["connectwise"]["host"] == f"https://127.0.0.1:{process.port}"


@pytest.mark.parametrize("mode", ["cut-before", "cut-after"])
async def test_a_cut_is_a_connection_closed_without_an_answer(tmp_path: Path, mode: str) -> None:
    with sandbox_process.run_sandbox(tmp_path, SANDBOX__SEED="5") as process:
        async with httpx.AsyncClient(
            base_url=process.origin, headers=psa_headers(derive_identity(5))
        ) as client:
            part = (await client.get("/_sandbox/scenario")).json()["parts"]["increase"]
            await client.put("/_sandbox/switches", json={"connectwise.writes": mode})
            path = _line_path(part)

            with pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError)):
                await client.patch(path, json=[{"op": "replace", "path": "quantity", "value": 99}])
            quantity = (await client.get(path)).json()["quantity"]

    assert (quantity == 99.0) is (mode == "cut-after")
    assert process.output.read_text() == ""


async def test_a_cut_leaves_other_connections_alone(tmp_path: Path) -> None:
    with sandbox_process.run_sandbox(tmp_path) as process:
        async with httpx.AsyncClient(
            base_url=process.origin, headers=psa_headers(derive_identity(1))
        ) as client:
            part = (await client.get("/_sandbox/scenario")).json()["parts"]["increase"]
            await client.put(
                "/_sandbox/switches", json={"connectwise.writes": "cut-before", "latency_ms": 200}
            )
            path = _line_path(part)
            patch = [{"op": "replace", "path": "quantity", "value": 99}]

            cut, *others = await asyncio.gather(
                client.patch(path, json=patch), *(client.get(path) for _ in range(3)), return_exceptions=True
            )

    assert isinstance(cut, httpx.TransportError)
    assert [answer.status_code for answer in others if isinstance(answer, httpx.Response)] == [200, 200, 200]


def _line_path(part: dict[str, list[int]]) -> str:
    return f"{API}/finance/agreements/{part['agreement_ids'][0]}/additions/{part['addition_ids'][0]}"
