"""A fresh sandbox for every test of it."""

from collections.abc import AsyncIterator

import pytest
from sandboxes import Sandbox, opened


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with opened() as fresh:
        yield fresh
