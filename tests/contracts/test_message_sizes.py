"""A message that can be made can be sent: the largest of each kind fits, or cannot be made."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import pytest
from pydantic import AwareDatetime, BaseModel, ValidationError

from shared import limits
from shared.contracts import MESSAGES, Message, auth, evidence_fields, fields
from shared.contracts.mapping_rules import MappingRules
from shared.contracts.vendor_sync import SubscriptionObserved, VendorRunFinished
from shared.kafka.envelope import Envelope, envelope_of

KAFKAS_CLIENT_TAKES_BYTES = 1_048_576
OVERHEAD_BYTES = 100
"""What Kafka's client adds to one message: lengths, offsets and a time, each a number of a few bytes."""
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
LONGEST_CORRELATION_ID = "c" * 200

# The character that takes most bytes, once in UTF-8 and thrice each byte in a key.
TEXT = "\N{GRINNING FACE}"
SMALLEST_NUMBER = Decimal("-0." + "0" * 32 + "1" * 28)
LARGEST_BY_FIELD: list[tuple[Any, Any]] = [
    (fields.Id, TEXT * 200),
    (fields.Code, TEXT * 200),
    (fields.ServiceKey, TEXT * 4_000),
    (fields.Name, TEXT * 500),
    (fields.Sentence, TEXT * 2_000),
    (fields.Remark, TEXT * 250),
    (fields.Number, SMALLEST_NUMBER),
    (fields.ReadNumber, Decimal("-999.999999999999999999999999")),
    (fields.Moment, NOW),
    (fields.Deadline, NOW),
    (fields.Revision, 1_773_144_000_000_000),
    (fields.Integer, -(2**63) + 1),
    (evidence_fields.EvidenceText, TEXT * 200),
    (evidence_fields.Description, TEXT * 500),
    (evidence_fields.TaxId, "A1" * 15),
    (evidence_fields.CountryCode, "GB"),
    (evidence_fields.Domains, tuple(f"{number}{'a' * 62}." * 3 + "b" * 61 for number in range(10))),
    (evidence_fields.EvidenceWords, tuple(f"{number}" + TEXT * 199 for number in range(10))),
]
LARGEST_NUMBERS = {
    name: Decimal("999.999999999999999999999999")
    for name in ("factor", "included_units", "minimum", "multiple")
}
LARGEST_RULES = {
    "quantity": LARGEST_NUMBERS | {"rounding": "nearest"},
    "split": [
        {"psa_id": f"{number:04}" + TEXT * 196, "quantity": LARGEST_NUMBERS["factor"]} for number in range(10)
    ],
    "overrides": [
        {
            "vendor_account_id": f"{number:04}" + TEXT * 196,
            "psa_id": TEXT * 200,
            "quantity": LARGEST_NUMBERS | {"rounding": "nearest"},
        }
        for number in range(200)
    ],
    "included_in": None,
}
LARGEST_BY_TYPE: dict[Any, Any] = {
    MappingRules: LARGEST_RULES,
    bool: False,
    AwareDatetime: NOW,
    date: date.max,
    timedelta: timedelta(days=3650),
}


def largest(annotation: Any, items: int) -> Any:
    """Returns the largest value of a field; a list or a table has as many items as are asked for."""
    known = [value for field, value in LARGEST_BY_FIELD if field == annotation]
    if known or annotation in LARGEST_BY_TYPE:
        return known[0] if known else LARGEST_BY_TYPE[annotation]
    if get_origin(annotation):
        return largest_of_parts(get_origin(annotation), get_args(annotation), items)
    if issubclass(annotation, StrEnum):
        return max(annotation, key=len)
    assert issubclass(annotation, BaseModel), annotation
    return largest_fields(annotation, items)


def largest_of_parts(origin: Any, parts: tuple[Any, ...], items: int) -> Any:
    """Returns the same of an optional field, a list or a table."""
    first = largest(parts[0], items)
    if origin is tuple:
        return (first,) * items
    if origin is dict:
        is_enum = isinstance(parts[0], type)
        keys = list(parts[0]) if is_enum else [f"{n:04}{first[4:]}" for n in range(items)]
        return dict.fromkeys(keys, largest(parts[1], items))
    assert origin in (Annotated, Union, UnionType)
    return first


def largest_fields(model: type[BaseModel], items: int) -> dict[str, Any]:
    hints = get_type_hints(model, include_extras=True)
    return {name: largest(hints[name], items) for name in model.model_fields}


def size_bytes(envelope: Envelope) -> int:
    headers = sum(len(name) + len(value.encode()) for name, value in envelope.headers.items())
    return len(envelope.body) + len(envelope.key.encode()) + headers + OVERHEAD_BYTES


def distinct(entries: tuple[dict[str, Any], ...], key: str) -> tuple[dict[str, Any], ...]:
    """Returns the entries with ids that differ, each as long as before."""
    faces = [f"{chr(0x1F300 + n // 64)}{chr(0x1F300 + n % 64)}" for n in range(len(entries))]
    return tuple(entry | {key: face + entry[key][2:]} for face, entry in zip(faces, entries, strict=True))


def made(message: type[Message], items: int) -> Message | None:
    """Returns the largest message with lists of so many items; None when it is refused for its size."""
    told = largest_fields(message, items)
    # Either a number or the reason why there is none.
    for line in told.get("lines", ()):
        line["missing"] = None
    if "part" in told:  # of the parts that there are
        told["part"] = told["parts"] = 2**63 - 1
        told |= {
            "things": distinct(told["things"], "id"),
            "unreadable": distinct(told["unreadable"], "id"),
            "spans": distinct(told["spans"], "item_id"),
        }
    before = limits.hits().get("message-bytes", 0)
    try:
        return message.model_validate(told)
    except ValidationError as error:
        refusal = str(error)
    assert "the most is 1,000,000 bytes" in refusal
    assert limits.hits()["message-bytes"] == before + 1
    return None


def lists_of(message: type[Message]) -> list[str]:
    hints = get_type_hints(message, include_extras=True)
    inner = {
        name: get_args(hint)[0] if get_origin(hint) is Annotated else hint for name, hint in hints.items()
    }
    return [name for name, hint in inner.items() if get_origin(hint) in (tuple, dict)]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.topic)
def test_the_largest_message_that_can_be_made_can_be_sent(message: type[Message]) -> None:
    most = 1_000 if message is SubscriptionObserved else 2_000
    for items in (1, 200, 201, 399, 400, 401, *range(450, most, 50), most):
        largest_made = made(message, items)
        if largest_made is None:
            assert lists_of(message)
            assert items > 200
            return
        envelope = envelope_of(
            largest_made, source="a-service-of-ours", correlation_id=LONGEST_CORRELATION_ID
        )
        assert size_bytes(envelope) < KAFKAS_CLIENT_TAKES_BYTES


def test_the_values_are_the_largest_that_each_field_takes() -> None:
    integration = largest_fields(auth.IntegrationChanged, 1)

    assert auth.IntegrationChanged.model_validate(integration)
    for name, beyond in {"integration_id": TEXT, "provider": TEXT}.items():
        with pytest.raises(ValidationError):
            auth.IntegrationChanged.model_validate(integration | {name: integration[name] + beyond})
    assert (len(integration["name"]), len(integration["reason"])) == (500, 2_000)


def test_a_message_of_usual_lists_is_made_whatever_their_number() -> None:
    counts = {f"topic-{n}.v1": n for n in range(2_000)}
    told = largest_fields(VendorRunFinished, 1) | {"counts": counts, "published": counts}

    assert VendorRunFinished.model_validate(told).counts == counts


@pytest.mark.parametrize("number", [2**63, -(2**63), 10**4_000], ids=["large", "small", "huge"])
@pytest.mark.parametrize("field", ["generation", "counts"])
def test_an_integer_that_no_store_can_hold_is_refused_and_counted(field: str, number: int) -> None:
    told = largest_fields(VendorRunFinished, 1) | {field: {"a": number} if field == "counts" else number}
    before = limits.hits().get("integer-bits", 0)

    with pytest.raises(ValidationError, match="63 bits"):
        VendorRunFinished.model_validate(told)

    assert limits.hits()["integer-bits"] == before + 1


def test_a_revision_below_what_a_store_can_hold_is_refused() -> None:
    told = largest_fields(VendorRunFinished, 1)

    with pytest.raises(ValidationError, match="63 bits"):
        VendorRunFinished.model_validate(told | {"first_revision": -(10**4_000)})
