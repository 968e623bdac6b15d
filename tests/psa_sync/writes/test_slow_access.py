"""A quantity goes out right after the last look at its line, or not at all, however long access takes."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from clocks import MonotonicClock, standing_still
from connectwise import RecordingServer, recorded
from http_fakes import HASTY, an_api
from writes import NOW, WriteHarness, a_write, the_refusal

from psa_sync.connectors.connectwise.connector import POLICY, ConnectWiseConnector
from psa_sync.writes.intent import LONGEST_REQUEST_LIFE, SEND_WITHIN
from psa_sync.writes.jobs import LEASE_TTL
from shared.contracts.psa_sync import QuantityWritten
from shared.contracts.quantity_write import WriteRefusal
from shared.http_client.access_source import Access
from shared.http_client.retry import CHANGE_WAIT
from shared.mongo import Mongo
from shared.sync_engine.models import IntegrationState

AGREEMENT = recorded("agreements")[0]
ADDITION = recorded("additions")[0] | {"quantity": 8.0}
A_SECOND, THREE_MINUTES = timedelta(seconds=1), timedelta(minutes=3)
GATEWAYS = timedelta(minutes=5)
"""How long what is between us and a PSA may hold a request (`LONGEST_REQUEST_LIFE`)."""


@dataclass
class RenewedPsa:
    """A ConnectWise that refuses the first PATCH, and the auth that renews access to it."""

    harness: WriteHarness
    monotonic: MonotonicClock
    status: int
    renewal: timedelta
    """How long auth takes; somebody changes the line at its end."""
    changes: dict[str, Any] = field(default_factory=dict)
    addition: dict[str, Any] = field(default_factory=ADDITION.copy)
    patches: int = 0
    looks_between_patches: int = 0
    access: Access = field(default_factory=lambda: Access("https://api.example/0", {}))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            self.patches += 1
            if self.patches == 1:
                return httpx.Response(self.status)
            self.addition["quantity"] = json.loads(request.content)[0]["value"]
        elif self.patches == 1 and "additions" in request.url.path:
            self.looks_between_patches += 1
        return httpx.Response(200, json=self.addition if "additions" in request.url.path else AGREEMENT)

    async def current(self) -> Access:
        return self.access

    async def renew(self, refused: Access) -> Access:  # noqa: ARG002 (the protocol's)
        self.harness.now += self.renewal
        self.monotonic.seconds += self.renewal.total_seconds()
        self.addition |= self.changes
        self.access = Access("https://api.example/1", {})
        return self.access

    @asynccontextmanager
    async def connect(self, _: IntegrationState) -> AsyncIterator[ConnectWiseConnector]:
        policy = replace(HASTY, renew_on=POLICY.renew_on)
        async with an_api(RecordingServer(self), source=self, policy=policy) as api:
            yield ConnectWiseConnector(api)


@pytest.mark.parametrize("status", [401, 404])
@pytest.mark.parametrize(
    ("valid_for", "reason"),
    [(timedelta(minutes=2), WriteRefusal.EXPIRED), (timedelta(hours=1), WriteRefusal.CONFLICT)],
)
async def test_a_refused_patch_is_not_sent_again_to_a_line_that_changed_while_access_was_renewed(
    mongo: Mongo, status: int, valid_for: timedelta, reason: WriteRefusal
) -> None:
    harness = WriteHarness(mongo)
    command = a_write().model_copy(update={"valid_until": NOW + valid_for})

    with standing_still() as monotonic:
        psa = RenewedPsa(harness, monotonic, status, THREE_MINUTES)
        psa.changes = {"product": {"id": 513}, "unitPrice": 4.0}
        harness.connect = psa.connect
        await harness.write(command)

    refused = await the_refusal(harness)
    assert (psa.patches, psa.addition["quantity"]) == (1, 8)
    assert (refused.reason, refused.sent) == (reason, False)


async def test_a_refused_patch_whose_access_came_late_is_sent_after_another_look(mongo: Mongo) -> None:
    harness = WriteHarness(mongo)

    with standing_still() as monotonic:
        psa = RenewedPsa(harness, monotonic, 401, THREE_MINUTES)
        harness.connect = psa.connect
        (written,) = await harness.write(a_write())

    assert isinstance(written, QuantityWritten)
    assert (psa.patches, psa.looks_between_patches) == (2, 2)


@pytest.mark.parametrize("status", [401, 404])
async def test_a_refused_patch_is_sent_again_at_once_with_access_that_comes_soon(
    mongo: Mongo, status: int
) -> None:
    harness = WriteHarness(mongo)

    with standing_still() as monotonic:
        psa = RenewedPsa(harness, monotonic, status, A_SECOND)
        harness.connect = psa.connect
        (written,) = await harness.write(a_write())

    assert isinstance(written, QuantityWritten)
    assert (psa.patches, written.proven_at) == (2, NOW + A_SECOND)


def test_a_request_that_got_no_answer_has_ended_within_its_longest_life() -> None:
    client = POLICY.change_wait + POLICY.connect_timeout + POLICY.read_timeout

    assert POLICY.change_wait == CHANGE_WAIT
    assert LEASE_TTL + SEND_WITHIN + client + GATEWAYS <= LONGEST_REQUEST_LIFE
