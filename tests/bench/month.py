"""Fills billing's store with a month of one tenant, as its consumers leave it: not yet reconciled."""

# Every line is one subscription and one agreement line that bills one seat more, so every line differs and
# can be approved.  Line n belongs to account n // 8 and to one of 40 offers, and no account has an offer
# twice:  line 0 → account 0, offer 0;  line 9 → account 1, offer (1 + 1) % 40 = 2.

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from manifest_builders import Counted, account_reads
from observation_builders import (
    PSA,
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
from billing.audit.repository import AuditLog
from billing.feeds.models import FEED_RULES
from billing.feeds.repository import FeedRepository
from billing.feeds.service import FeedBreaker
from billing.observations.integrations import IntegrationDirectory
from billing.observations.manifest_applier import ManifestApplier
from billing.observations.manifest_repository import ManifestRepository
from billing.observations.read_backs import ReadBacks
from billing.observations.repository import ObservationRepository
from billing.observations.service import ManifestIngestor, ObservationIngestor
from billing.reconciliation.feed_comparison import FeedComparison
from billing.reconciliation.inputs import AccountGroupLoader
from billing.reconciliation.uncounted_lines import UncountedLines
from billing.usage.manifest_reader import ManifestReader
from billing.usage.recalculation_queue import RecalculationQueue
from billing.usage.repository import UsageLineRepository
from shared.contracts.base import State, utc
from shared.contracts.manifest import AccountRead
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.settings import MongoSettings, RedisSettings
from shared.status_channel import StatusChannel
from tests.bench.bench_env import Workload

OFFERS, PER_ACCOUNT = 40, 8
_BATCH_SIZE = 500


def open_store(workload: Workload) -> Mongo:
    return Mongo(MongoSettings(url=SecretStr(workload.mongo_url), database=workload.name))


async def ingest_month(mongo: Mongo, lines: int) -> None:
    """Store everything that makes up this many usage lines."""
    await mongo.ensure(INDEXES)
    for events in (_master_data(lines), _bought(lines), _billed(lines)):
        await ingest_all(mongo, events)
    await ingest_parts(mongo, manifests_of_month(lines))
    applier = an_applier(mongo)
    while await applier.step():
        pass


async def ingest_all(mongo: Mongo, events: Iterable[State]) -> None:
    """Hand news over as the consumers do: a topic carries one kind, so a batch never holds two."""
    ingestor = ObservationIngestor(
        ObservationRepository(mongo), ReadBacks(mongo), RecalculationQueue(mongo), wake=lambda: None
    )
    by_kind: dict[type[State], list[State]] = {}
    for event in events:
        by_kind.setdefault(type(event), []).append(event)
    for kind in by_kind.values():
        rest = iter(kind)
        while batch := list(islice(rest, _BATCH_SIZE)):
            await ingestor.ingest(batch)


async def ingest_parts(mongo: Mongo, parts: Iterable[AccountRead]) -> None:
    """Hand the parts of manifests over as the consumers do."""
    manifests, rest = ManifestRepository(mongo, RecalculationQueue(mongo)), iter(parts)
    ingestor = ManifestIngestor(manifests, wake=lambda: None)
    while batch := list(islice(rest, _BATCH_SIZE)):
        await ingestor.ingest(batch)


def an_applier(mongo: Mongo) -> ManifestApplier:
    """Billing's own, which lets manifests count."""
    return ManifestApplier(
        ManifestRepository(mongo, RecalculationQueue(mongo)),
        ManifestReader(mongo),
        IntegrationDirectory(mongo),
        judge=a_breaker(mongo),
        wake=lambda: None,
    )


def a_breaker(mongo: Mongo) -> FeedBreaker:
    """Billing's own."""
    queue, lines = RecalculationQueue(mongo), UsageLineRepository(mongo, Outbox(mongo, "billing"))
    groups = AccountGroupLoader(mongo, {}, a_feed_store(mongo))
    return FeedBreaker(
        a_feed_store(mongo),
        FeedComparison(groups, ManifestReader(mongo), lines, UncountedLines(queue, groups, lines)),
        ManifestRepository(mongo, queue),
        board=StatusChannel(RedisSettings(url=SecretStr("redis://unused"))),
        rules=FEED_RULES,
    )


def a_feed_store(mongo: Mongo) -> FeedRepository:
    return FeedRepository(mongo, AuditLog(mongo), RecalculationQueue(mongo))


def manifests_of_month(lines: int, **more: Any) -> list[AccountRead]:
    """The manifests of both sides; `more` as `an_account_read` takes."""
    news = [one for one in (*_bought(lines), *_billed(lines)) if isinstance(one, Counted)]
    read: dict[str, Any] = {"read_at": utc(datetime.now(UTC))} | more
    return account_reads(news, **read)


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
