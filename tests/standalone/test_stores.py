"""The document store outlives its clients' deaths."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from processes import python
from pymongo import AsyncMongoClient

from standalone.port_claims import claim_free_port
from standalone.stores import SECANTUSDB, mongo_url, secantusdb

pytestmark = pytest.mark.server

PASSWORD = "made-for-this-test"
DYING = """
import os, signal, sys
from pymongo import MongoClient
client = MongoClient(sys.argv[1])
client.shop.things.insert_one({"_id": 1, "seen": 0})
with client.start_session() as session:
    session.start_transaction()
    client.shop.things.update_one({"_id": 1}, {"$set": {"seen": -1}}, session=session)
    os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_what_a_killed_client_left_open_holds_up_nobody_for_long(tmp_path: Path) -> None:
    port = claim_free_port()
    process = secantusdb(tmp_path, port, PASSWORD, tmp_path, transaction_lifetime_seconds=1)
    await process.start()
    dying = python("-c", DYING, mongo_url(port, PASSWORD))
    await asyncio.to_thread(dying.communicate)

    async with AsyncMongoClient[dict[str, int]](mongo_url(port, PASSWORD)) as client, asyncio.timeout(60):
        things = client.shop.things
        await things.update_one({"_id": 1}, {"$inc": {"seen": 1}})
        found = await things.find_one({"_id": 1})
    await process.stop()

    assert found == {"_id": 1, "seen": 1}


def test_without_a_password_it_serves_this_machine_alone(tmp_path: Path) -> None:
    port = str(claim_free_port())
    command = [sys.executable, str(SECANTUSDB), "0.0.0.0", port, str(tmp_path), "1", "--for-tests"]  # noqa: S104

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603  ours

    assert done.returncode == 1
    assert "127.0.0.1 alone, not 0.0.0.0" in done.stderr
