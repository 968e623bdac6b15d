"""Keeps a service from starting over work that an older build left in a queue of its own.

This build looks at `work_items` alone: what was left elsewhere would neither be published nor counted, and no
later sync would make up for it. An older build that is started again finishes it.
"""

from shared.errors import PermanentError
from shared.mongo import Mongo


async def refuse_former_work(mongo: Mongo, collection: str) -> None:
    """Raises `PermanentError` while the collection of the former queue holds rows."""
    if left := await mongo.all_tenants(collection).count():
        raise PermanentError(
            f"an older build left {left} rows of work in the collection {collection}, which this build does"
            f" not read: start the older build again, wait until {collection} is empty, and update then"
        )
