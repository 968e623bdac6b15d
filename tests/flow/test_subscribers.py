"""What every subscriber of every service must hold to, or messages are lost."""

from typing import Any

import pytest
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from in_process_system import brokers, subscribers

from shared.contracts import MESSAGES

EVERY = [
    pytest.param(broker, subscriber, id=f"{service} {subscriber.topic_names[0]}")
    for service, broker in brokers().items()
    for subscriber in sorted(subscribers(service), key=lambda one: one.topic_names)
]


@pytest.mark.parametrize(("broker", "subscriber"), EVERY)
def test_it_commits_after_handling_and_starts_at_the_beginning(broker: KafkaBroker, subscriber: Any) -> None:
    options = subscriber._connection_args  # noqa: SLF001  it has no public face

    assert subscriber.ack_policy is AckPolicy.NACK_ON_ERROR
    assert options["auto_offset_reset"] == "earliest"
    assert options["enable_auto_commit"] is False
    assert getattr(subscriber, "max_workers", None) in (None, 1)
    assert broker.config.graceful_timeout


@pytest.mark.parametrize("service", brokers())
def test_each_topic_has_a_group_of_its_own(service: str) -> None:
    for subscriber in subscribers(service):
        assert [f"{service}.{topic}" for topic in subscriber.topic_names] == [subscriber.group_id]


def test_the_catalogue_names_just_those_who_read() -> None:
    readers = {
        (topic, service)
        for service in brokers()
        for subscriber in subscribers(service)
        for topic in subscriber.topic_names
    }

    assert readers == {(message.topic, reader) for message in MESSAGES for reader in message.readers}
