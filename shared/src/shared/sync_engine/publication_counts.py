"""Counts what a run has published, for billing to compare with what it stored."""

from collections import Counter
from collections.abc import Iterable

from shared.mongo import Mongo
from shared.sync_engine.change_publisher import dirty_queue
from shared.sync_engine.models import Run
from shared.sync_engine.observation_rows import COLLECTION, of_integration

_ARRIVAL_FIELDS = ("topic", "revision", "arrived")


async def published_since(mongo: Mongo, run: Run, topics: Iterable[str]) -> dict[str, int]:
    """Returns by topic how many keys readers hold with a revision of this run or later, writes included.

    That is exactly what billing counts, so the number is right for a run that another worker continued, too.
    """
    # A dirty row may not have arrived: it counts only if what readers surely held before was of this run
    # already.
    rows, first = mongo.documents(COLLECTION, run.tenant_id), run.first_revision
    items = await dirty_queue(mongo).lane(run.tenant_id, run.integration_id)
    dirty = await rows.get_many({id_ for item in items for id_ in item.keys}, fields=_ARRIVAL_FIELDS)
    unsent = Counter(row["topic"] for row in dirty.values() if row["arrived"] < first <= row["revision"])
    counts = {}
    for topic in topics:
        of_topic = of_integration(topic, run.tenant_id, run.integration_id)
        counts[topic] = await rows.count(of_topic | {"revision": {"$gte": first}}) - unsent[topic]
    return counts
