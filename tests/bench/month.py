"""Fills billing's store with a month of one tenant, as its consumers leave it: not yet reconciled."""

# Every line is one subscription and one agreement line that bills one seat more, so every line differs and
# can be approved.  Line n belongs to account n // 8 and to one of 40 offers, and no account has an offer
# twice:  line 0 → account 0, offer 0;  line 9 → account 1, offer (1 + 1) % 40 = 2.

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

from observation_builders import (
    PSA,
    TENANT,
    VENDOR,
    a_mapping,
    a_product,
    a_psa_account,
    a_service,
    a_subscription,
    a_vendor_account,
    an_agreement_line,
    an_integration,
)
from pydantic import SecretStr

from billing.app import INDEXES
from billing.observations.receipts import Receipts
from billing.observations.repository import ObservationRepository
from billing.observations.service import ObservationIngestor
from billing.usage.coverage import CompletedRun, Coverage
from billing.usage.coverage_repository import CoverageRepository
from billing.usage.recalculation_queue import RecalculationQueue
from shared.contracts.base import State, utc
from shared.mongo import Mongo, Session
from shared.runtime.settings import MongoSettings
from tests.bench.bench_env import Workload

OFFERS, PER_ACCOUNT = 40, 8
_BATCH_SIZE = 500


def open_store(workload: Workload) -> Mongo:
    return Mongo(MongoSettings(url=SecretStr(workload.mongo_url), database=workload.name))


async def ingest_month(mongo: Mongo, lines: int) -> None:
    """Store everything that makes up this many usage lines."""
    await mongo.ensure(INDEXES)
    ingestor = ObservationIngestor(
        ObservationRepository(mongo), Receipts(mongo), RecalculationQueue(mongo), wake=lambda: None
    )
    for events in (_master_data(lines), _bought(lines), _billed(lines)):
        by_kind: dict[type[State], list[State]] = {}
        for event in events:
            by_kind.setdefault(type(event), []).append(event)
        # A topic carries one kind, so a batch never holds two.
        for kind in by_kind.values():
            rest = iter(kind)
            while batch := list(islice(rest, _BATCH_SIZE)):
                await ingestor.ingest(batch)
    await _store_coverage(mongo)


async def _store_coverage(mongo: Mongo) -> None:
    """Record that both sides were read completely: before that no line may be approved."""
    completed = CompletedRun("run_read", 1, utc(datetime.now(UTC)))

    async def work(session: Session) -> None:
        for integration_id in (VENDOR, PSA):
            await CoverageRepository(mongo).put(
                TENANT, integration_id, Coverage(completed, completed), session=session
            )

    await mongo.transaction(work)


def _master_data(lines: int) -> Iterator[State]:
    yield from (an_integration(VENDOR), an_integration(PSA))
    accounts = range(-(-lines // PER_ACCOUNT))
    for offer in range(OFFERS):
        yield a_service(f"svc{offer:02}")
        yield a_product(f"prod{offer:02}")
    for account in accounts:
        yield a_vendor_account(f"acc{account:05}")
        yield a_psa_account(f"co{account:05}")
    for offer in range(OFFERS):
        yield a_mapping("service", f"svc{offer:02}", f"prod{offer:02}")
    for account in accounts:
        yield a_mapping("account", f"acc{account:05}", f"co{account:05}")


def _bought(lines: int) -> Iterator[State]:
    now = utc(datetime.now(UTC))
    for number in range(lines):
        account, offer = _account_and_offer(number)
        target = {"account": f"acc{account:05}", "service": f"svc{offer:02}"}
        yield a_subscription(number % 60, id_=f"sub{number:06}", observed_at=now, **target)


def _billed(lines: int) -> Iterator[State]:
    now = utc(datetime.now(UTC))
    for number in range(lines):
        account, offer = _account_and_offer(number)
        target = {"account": f"co{account:05}", "product_id": f"prod{offer:02}"}
        yield an_agreement_line(number % 60 + 1, id_=f"add{number:06}", observed_at=now, **target)


def _account_and_offer(number: int) -> tuple[int, int]:
    account, nth = divmod(number, PER_ACCOUNT)
    return account, (account + nth) % OFFERS
