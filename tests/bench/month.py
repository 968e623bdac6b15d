"""A month of one tenant in billing's store, as its consumers leave it: heard, marked, not yet reconciled."""

from collections.abc import Iterator, Sequence
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
from tests.bench.ground import Plan

OFFERS, PER_ACCOUNT = 40, 8
_AT_ONCE = 500


def store_of(plan: Plan) -> Mongo:
    return Mongo(MongoSettings(url=SecretStr(plan.mongo_url), database=plan.name))


async def hear(mongo: Mongo, lines: int) -> None:
    """Everything that makes up so many usage lines: each a subscription, billed one seat too many."""
    await mongo.ensure(INDEXES)
    observing = ObservationIngestor(
        ObservationRepository(mongo), Receipts(mongo), RecalculationQueue(mongo), wake=lambda: None
    )
    for news in (_standing(), _accounts(lines), _mappings(lines), _bought(lines), _billed(lines)):
        for kind in _by_kind(list(news)):
            rest = iter(kind)
            while some := list(islice(rest, _AT_ONCE)):
                await observing.ingest(some)
    await _vouch(mongo)


async def _vouch(mongo: Mongo) -> None:
    """Both sides were read completely: before that no line may be approved."""
    read = CompletedRun("run_read", 1, utc(datetime.now(UTC)))

    async def work(session: Session) -> None:
        for integration_id in (VENDOR, PSA):
            await CoverageRepository(mongo).put(TENANT, integration_id, Coverage(read, read), session=session)

    await mongo.transaction(work)


def _by_kind(news: Sequence[State]) -> Iterator[list[State]]:
    """A topic carries one kind."""
    for kind in dict.fromkeys(type(one) for one in news):
        yield [one for one in news if type(one) is kind]


def _standing() -> Iterator[State]:
    yield from (an_integration(VENDOR), an_integration(PSA))
    for offer in range(OFFERS):
        yield a_service(f"svc{offer:02}")
        yield a_product(f"prod{offer:02}")


def _accounts(lines: int) -> Iterator[State]:
    for account in range(-(-lines // PER_ACCOUNT)):
        yield a_vendor_account(f"acc{account:05}")
        yield a_psa_account(f"co{account:05}")


def _mappings(lines: int) -> Iterator[State]:
    for offer in range(OFFERS):
        yield a_mapping("service", f"svc{offer:02}", f"prod{offer:02}")
    for account in range(-(-lines // PER_ACCOUNT)):
        yield a_mapping("account", f"acc{account:05}", f"co{account:05}")


def _bought(lines: int) -> Iterator[State]:
    now = utc(datetime.now(UTC))
    for place in range(lines):
        account, offer = _place(place)
        where = {"account": f"acc{account:05}", "service": f"svc{offer:02}"}
        yield a_subscription(place % 60, id_=f"sub{place:06}", observed_at=now, **where)


def _billed(lines: int) -> Iterator[State]:
    now = utc(datetime.now(UTC))
    for place in range(lines):
        account, offer = _place(place)
        where = {"account": f"co{account:05}", "product_id": f"prod{offer:02}"}
        yield an_agreement_line(place % 60 + 1, id_=f"add{place:06}", observed_at=now, **where)


def _place(number: int) -> tuple[int, int]:
    """Which account holds it, and which offer it is of: no account holds an offer twice."""
    account, nth = divmod(number, PER_ACCOUNT)
    return account, (account + nth) % OFFERS


__all__ = ["OFFERS", "PER_ACCOUNT", "TENANT", "hear", "store_of"]
