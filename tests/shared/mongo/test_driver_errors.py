"""What the driver says is for the log; what we raise may be shown to whoever asked."""

import pytest
from pymongo.errors import AutoReconnect, ExecutionTimeout, OperationFailure
from structlog.testing import capture_logs

from shared.errors import Conflict, TransientError
from shared.mongo import Mongo
from shared.mongo.driver_errors import translate_server_errors


async def test_a_key_that_is_taken_is_told_without_collection_or_values(mongo: Mongo) -> None:
    people = mongo.documents("people", "demo")
    await people.insert({"_id": "canary"})

    with pytest.raises(Conflict) as raised:
        await people.insert({"_id": "canary"})

    assert "canary" not in str(raised.value)
    assert "people" not in str(raised.value)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            AutoReconnect("canary:27017"),
            "the document store does not answer: the log of this service says why",
        ),
        (ExecutionTimeout("canary"), "the document store does not answer: the log of this service says why"),
        (OperationFailure("canary", 112), "others are writing the same to the document store: try again"),
    ],
    ids=lambda given: type(given).__name__,
)
def test_what_the_driver_says_is_in_the_log_and_not_in_what_we_say(error: Exception, sentence: str) -> None:
    with capture_logs() as events, pytest.raises(TransientError) as raised, translate_server_errors():
        raise error

    assert str(raised.value) == sentence
    assert [event["event"] for event in events] == ["document_store_failed"]
    assert "canary" in events[0]["error"]
