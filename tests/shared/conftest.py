"""What is shared is tested on the real store."""

from collections.abc import AsyncIterator

import pytest

from shared.mongo import Mongo
from shared.runtime.settings import MongoSettings


@pytest.fixture
async def mongo(mongo_settings: MongoSettings) -> AsyncIterator[Mongo]:
    store = Mongo(mongo_settings)
    yield store
    await store.close()
