"""A fresh sandbox for every test of it."""

from collections.abc import AsyncIterator

import pytest
from sandboxes import SPECS, Sandbox, open_sandbox

collect_ignore = [] if SPECS.is_dir() else ["test_specifications.py"]
"""Without the vendors' specifications there is nothing to hold the answers against."""


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox() as fresh:
        yield fresh
