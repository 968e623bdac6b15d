import pytest

from shared.errors import PermanentError
from shared.mongo import Mongo
from shared.work_queue.former_queue import refuse_former_work


async def test_a_service_does_not_start_over_work_that_an_older_build_left(mongo: Mongo) -> None:
    await mongo.documents("dirty", "t1").insert({"_id": "1", "ids": ["sub-1"]})

    with pytest.raises(PermanentError, match="left 1 rows of work in the collection dirty"):
        await refuse_former_work(mongo, "dirty")


async def test_it_starts_once_the_older_build_has_finished_it(mongo: Mongo) -> None:
    await mongo.documents("dirty", "t1").insert({"_id": "1", "ids": ["sub-1"]})
    await mongo.documents("dirty", "t1").remove({"_id": "1"})

    await refuse_former_work(mongo, "dirty")
