"""What a run has published, for billing to count by."""

from collections import Counter
from collections.abc import Iterable

from shared.mongo import Mongo
from shared.sync_engine.dirty_batches import DirtyBatches
from shared.sync_engine.models import Run
from shared.sync_engine.observation_rows import COLLECTION, of_integration

_ARRIVAL = ("topic", "revision", "arrived")


async def published_since(mongo: Mongo, run: Run, topics: Iterable[str]) -> dict[str, int]:
    """Distinct keys by topic that a reader holds with a revision of this run or later, writes included.

    That is exactly what billing counts, so a run that was continued by another worker says the right number.
    """
    rows, since = mongo.documents(COLLECTION, run.tenant_id), run.first_revision
    marks = DirtyBatches(mongo, run.tenant_id, run.integration_id)
    dirty = await rows.get_many(await marks.dirty(), fields=_ARRIVAL)
    unsent = Counter(row["topic"] for row in dirty.values() if row["arrived"] < since <= row["revision"])
    counts = {}
    for topic in topics:
        here = of_integration(topic, run.tenant_id, run.integration_id)
        counts[topic] = await rows.count(here | {"revision": {"$gte": since}}) - unsent[topic]
    return counts
