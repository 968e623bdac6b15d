"""The document store outlives its clients' deaths."""

import asyncio
from pathlib import Path

import pytest
from processes import python
from pymongo import AsyncMongoClient

from standalone.port_claims import claim_free_port
from standalone.stores import mongo_url, secantusdb

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
