"""What the driver says is for the log; what we raise may be shown to whoever asked."""

import pytest
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    CursorNotFound,
    ExecutionTimeout,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
    WTimeoutError,
)
from structlog.testing import capture_logs

from shared.errors import Conflict, RuleBroken, TransientError
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


STORE_IS_NOT_WELL = {
    "not authorised": OperationFailure("not authorized on billing to execute command", 13),
    "sign-in failed": OperationFailure("Authentication failed.", 18),
    "time limit": OperationFailure("operation exceeded time limit", 262),
    "no space": OperationFailure("no space left on device", 14031),
    "read only": OperationFailure("not primary", 10107),
    "a code that nobody knows": OperationFailure("something new", 987_654),
    "without a code": OperationFailure("something"),
    "cursor gone": CursorNotFound("cursor id 7 not found", 43),
    "write concern": WriteConcernError("waiting for replication timed out", 64),
    "write concern in time": WTimeoutError("waiting for replication timed out", 64),
    "write concern of a bulk": BulkWriteError(
        {"writeErrors": [], "writeConcernErrors": [{"code": 64, "errmsg": "waiting for replication"}]}
    ),
    "write concern besides keys taken": BulkWriteError(
        {"writeErrors": [{"index": 0, "code": 11000}], "writeConcernErrors": [{"code": 91, "errmsg": "…"}]}
    ),
    "not authorised in a bulk": BulkWriteError({"writeErrors": [{"index": 0, "code": 13}]}),
    "keys taken and no space": BulkWriteError(
        {"writeErrors": [{"index": 0, "code": 11000}, {"index": 1, "code": 14031}]}
    ),
    "closed meanwhile": InvalidOperation("Cannot use MongoClient after close"),
    "anything else": PyMongoError("what is this"),
}


@pytest.mark.parametrize("error", STORE_IS_NOT_WELL.values(), ids=STORE_IS_NOT_WELL)
def test_whatever_ails_the_store_is_worth_trying_again(error: Exception) -> None:
    with capture_logs() as events, pytest.raises(TransientError), translate_server_errors():
        raise error

    assert [event["event"] for event in events] == ["document_store_failed"]


def test_a_bulk_of_which_only_keys_were_taken_is_a_conflict() -> None:
    error = BulkWriteError({"writeErrors": [{"index": 3, "code": 11000}], "writeConcernErrors": []})

    with pytest.raises(Conflict), translate_server_errors():
        raise error


def test_a_field_with_a_name_that_the_store_refuses_breaks_a_rule() -> None:
    with pytest.raises(RuleBroken, match="a field of a name"), translate_server_errors():
        raise OperationFailure("The dollar ($) prefixed field '$x' is not valid for storage", 52)


@pytest.mark.parametrize(
    "error",
    [
        OperationFailure("BSONObj size is invalid", 10334),
        OperationFailure("Resulting document after update is larger than 16777216", 17419),
        BulkWriteError({"writeErrors": [{"index": 0, "code": 11000}, {"index": 1, "code": 17420}]}),
    ],
    ids=["inserted", "updated", "in a bulk"],
)
def test_a_document_that_grows_beyond_what_the_store_holds_breaks_a_rule(error: Exception) -> None:
    with pytest.raises(RuleBroken, match="16 MB"), translate_server_errors():
        raise error


@pytest.mark.parametrize(
    "error",
    [
        OperationFailure("unknown operator: $gte2", 2),
        OperationFailure("no such command", 59),
        BulkWriteError({"writeErrors": [{"index": 0, "code": 9}]}),
    ],
    ids=["bad value", "no command", "in a bulk"],
)
def test_a_command_of_ours_that_the_store_does_not_understand_is_a_bug_and_stays_what_it_is(
    error: Exception,
) -> None:
    with pytest.raises(type(error)), translate_server_errors():
        raise error
