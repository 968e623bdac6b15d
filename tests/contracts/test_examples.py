import re
from pathlib import Path

import pytest

from shared.catalogue import with_current_tables
from shared.contracts import MESSAGES, Command, Message
from shared.contracts.base import integration_id_of, key_of, service_id_of

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(Path(__file__).parent.glob("examples/*/*.json"))
BY_TOPIC = {message.topic: message for message in MESSAGES}
SECRETS = re.compile(r"password|secret|private_key|subscription_key|bearer|authorization", re.IGNORECASE)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_recorded_example_still_parses_and_says_the_same(path: Path) -> None:
    message = BY_TOPIC[path.parent.name].model_validate_json(path.read_text("utf-8"))

    again = type(message).model_validate_json(message.model_dump_json())

    assert again == message
    assert message.key.startswith(f"{message.tenant_id}")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_reader_survives_fields_that_it_does_not_know(path: Path) -> None:
    text = path.read_text("utf-8").replace("{", '{"added_later": {"deep": [1]},', 1)

    BY_TOPIC[path.parent.name].model_validate_json(text)


def test_every_topic_has_an_example_and_every_example_a_topic() -> None:
    assert {path.parent.name for path in EXAMPLES} == set(BY_TOPIC)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.topic)
def test_a_topic_is_named_by_owner_and_version(message: type[Message]) -> None:
    assert re.fullmatch(r"[a-z-]+\.[a-z-]+\.v\d+", message.topic)
    owner = message.topic.partition(".")[0]
    assert message.__module__ == f"shared.contracts.{owner.replace('-', '_')}"
    assert not issubclass(message, Command) or message.readers == (owner,)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.topic)
def test_no_message_has_a_place_for_a_secret(message: type[Message]) -> None:
    assert not SECRETS.search(" ".join(message.model_fields))


def test_the_tables_of_events_and_limits_are_up_to_date() -> None:
    page = (ROOT / "shared" / "README.md").read_text("utf-8")

    assert with_current_tables(page) == page, "run `make catalogue`"


def test_no_two_things_share_a_key() -> None:
    assert key_of("a:b", "c") != key_of("a", "b:c")
    assert integration_id_of("t", "p", "x") != integration_id_of("t", "p:x", "")
    assert service_id_of("i", "v|m") == service_id_of("i", "v|m")


def test_an_exact_decimal_travels_without_exponent() -> None:
    line = BY_TOPIC["psa-sync.write-quantity.v1"].model_validate_json(
        next(p for p in EXAMPLES if p.stem == "eight-to-ten").read_text("utf-8").replace('"10"', '"1E+1"')
    )

    assert '"target":"10"' in line.model_dump_json()
