"""Whoever looks for a free port gets one that nobody else gets."""

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest
from processes import python, run_to_end

from shared.errors import PermanentError
from standalone.port_claims import claim_free_port, claim_port
from standalone.probes import HOST

pytestmark = pytest.mark.server

CLAIMS = """
import time
from shared.errors import PermanentError
from standalone.port_claims import claim_free_port
print(claim_free_port(), flush=True)
time.sleep(600)
"""


def test_a_port_that_another_process_has_chosen_is_taken_before_anything_listens_on_it() -> None:
    other = python("-c", CLAIMS)
    assert other.stdout
    port = int(other.stdout.readline())

    assert not claim_port(port)

    other.kill()
    run_to_end(other)
    assert claim_port(port)


def test_a_symbolic_link_in_place_of_the_claims_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / f"trueup-ports-{os.getuid()}").symlink_to(tmp_path / "elsewhere")

    status, _, error_output = run_to_end(python("-c", CLAIMS, TMPDIR=str(tmp_path)))

    assert status == 1
    assert f"{PermanentError.__name__}: cannot open {tmp_path}/trueup-ports-" in error_output
    assert not (tmp_path / "elsewhere").exists()


def test_no_port_is_given_twice_to_one_process() -> None:
    ports = [claim_free_port() for _ in range(50)]

    assert len(set(ports)) == 50


def test_a_port_may_be_claimed_again_by_its_own_process() -> None:
    assert claim_port(claim_free_port())


def test_a_port_that_is_in_use_cannot_be_claimed() -> None:
    with closing(socket.create_server((HOST, 0))) as server:
        assert not claim_port(server.getsockname()[1])
