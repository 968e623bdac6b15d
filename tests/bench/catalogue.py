"""Rows `catalogue`: the matcher's read model built anew, and searches over all names of one tenant."""

# A search is what somebody might type of a company: the beginning of its name, some of its words in any
# order, each cut short, or the beginning of its code. Trades and legal forms are common, as in the field:
#
#   "Varnaki Dental Group LLC"   →   "varna"   "dental varn"   "llc group"   "Dental Group LLC Varnaki"

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import quantiles

from catalogue_builders import a_psa_account, a_vendor_account
from pydantic import SecretStr

from matcher.app import INDEXES
from matcher.catalogue.ingestor import ItemIngestor, ItemObserved
from matcher.catalogue.item_order import PageBounds
from matcher.catalogue.items import ItemKind
from matcher.catalogue.repository import MongoCatalogue
from matcher.catalogue.search import ItemEnd, ItemQuery
from matcher.catalogue.service import CatalogueService
from matcher.mappings.repository import MongoMappings
from shared.contracts.matcher import ProposedItem
from shared.mongo import Mongo
from shared.runtime.settings import MongoSettings
from tests.bench.bench_env import BenchEnv, Workload
from tests.bench.harness import Row, Sample, Sign, Spread, Target
from tests.bench.usage import Stopwatch

_REBUILD_TARGET, _SEARCH_TARGET = Target(Sign.AT_MOST, 60), Target(Sign.AT_MOST, 50)
_OBSERVATIONS, _NAMES = 200_000, 100_000
_BATCH_SIZE = 500
_SEARCHES = 200
_TRADES = (
    "Dental",
    "Plumbing",
    "Law",
    "Accounting",
    "Roofing",
    "Logistics",
    "Robotics",
    "Clinic",
    "Consulting",
)
_KINDS = ("Group", "Services", "Care", "Partners", "Company", "Associates", "Holdings")
_FORMS = ("Inc", "LLC", "Ltd", "GmbH", "Limited", "Corp")
_SYLLABLES = [c + v for c in "bcdfghklmnprstvz" for v in "aeiou"]


class NoSuggestions:
    """Stands for proposals where there are none."""

    async def suggested_items(self, tenant_id: str, kind: ItemKind) -> set[ItemEnd]:  # noqa: ARG002
        return set()

    async def proposals_with(self, *_: object) -> dict[ItemEnd, int]:
        return {}

    async def best_proposals(self, *_: object) -> dict[ItemEnd, ProposedItem]:
        return {}


async def measure(env: BenchEnv) -> list[Row]:
    """Report the product alone: both targets are of time."""
    share = 10 if env.quick else 1
    rebuilt = await env.run(run_rebuild, env.workload(_OBSERVATIONS // share))
    searched = await env.run(run_searches, env.workload(_NAMES // share))
    seconds = rebuilt.seconds * _OBSERVATIONS / rebuilt.count
    return [
        Row(
            name="read model of 200,000 observations",
            unit="s",
            ours=Spread.of([seconds]),
            target=_REBUILD_TARGET,
            samples=(rebuilt,),
        ),
        Row(
            name=f"search over {_NAMES // share:,} names, 95th percentile",
            unit="ms",
            ours=Spread.of([searched.seconds * 1_000]),
            target=_SEARCH_TARGET,
            samples=(searched,),
        ),
    ]


async def run_rebuild(workload: Workload) -> Sample:
    """Store accounts of both sides as the consumers do, in batches, and enqueue them to be matched."""
    mongo = await _prepared(workload)
    observations = [*_accounts(workload.count)]
    with Stopwatch() as watch:
        await _ingest(mongo, observations)
    await mongo.close()
    return watch.sample(workload.count)


async def run_searches(workload: Workload) -> Sample:
    """Return the 95th percentile of searches, each for the first page with its mappings."""
    mongo, made = await _prepared(workload), random.Random(11)  # noqa: S311  searches, not a secret
    await _ingest(mongo, [one for one in _accounts(workload.count * 2) if one.topic == _PSA_TOPIC])
    rows = await mongo.documents(ItemKind.PSA_ACCOUNTS, "demo").find(fields=["name", "code"])
    listing = CatalogueService(MongoCatalogue(mongo), MongoMappings(mongo), NoSuggestions())
    seconds = []
    with Stopwatch() as watch:
        for _ in range(_SEARCHES):
            row = made.choice(rows)
            query = ItemQuery("demo", ItemKind.PSA_ACCOUNTS, _typed(row["name"], row["code"], made))
            started = time.perf_counter()
            page = await listing.items(query, PageBounds(limit=50))
            seconds.append(time.perf_counter() - started)
            if not page.rows:
                raise ValueError(f"nothing was found by {query.search!r}")
    await mongo.close()
    sample = watch.sample(len(seconds))
    return Sample(quantiles(seconds, n=20)[-1], len(seconds), sample.cpu_seconds, sample.peak_mb)


_PSA_TOPIC = a_psa_account("1", "any").topic


async def _prepared(workload: Workload) -> Mongo:
    mongo = Mongo(MongoSettings(url=SecretStr(workload.mongo_url), database=workload.name))
    await mongo.ensure(INDEXES)
    return mongo


async def _ingest(mongo: Mongo, observations: list[ItemObserved]) -> None:
    ingestor = ItemIngestor(MongoCatalogue(mongo), lambda: None, lambda: datetime.now(UTC))
    for start in range(0, len(observations), _BATCH_SIZE):
        await ingestor.ingest_items(observations[start : start + _BATCH_SIZE])


def _accounts(amount: int) -> Iterator[ItemObserved]:
    """Yield as many accounts of the vendor as of the PSA, by turns of a batch as they arrive."""
    made = random.Random(7)  # noqa: S311  names, not a secret
    for number in range(amount):
        build = a_vendor_account if number // _BATCH_SIZE % 2 else a_psa_account
        own = "".join(made.choices(_SYLLABLES, k=made.randint(2, 4))).title()
        name = [own, made.choice(_TRADES), made.choice(_KINDS), made.choice(_FORMS)]
        yield build(str(number), " ".join(name))


def _typed(name: str, code: str, made: random.Random) -> str:
    """Return what somebody types who looks for this company."""
    words = name.split()
    return made.choice(
        (
            name[: made.randint(2, 12)],
            code[: made.randint(3, 6)],
            " ".join(made.sample(words, len(words))),
            " ".join(word[: made.randint(3, len(word))] for word in made.sample(words, 2)),
            made.choice(words)[: made.randint(3, 8)],
        )
    )
