"""Creates every topic once, before any service starts: `python -m shared.kafka.topics`."""

import asyncio
import sys

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from pydantic import BaseModel, ConfigDict
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.contracts import MESSAGES, Message
from shared.kafka.connection import client_options
from shared.kafka.dead_letters import dead_letter_topic
from shared.runtime.settings import KafkaSettings, load

CONSUMING_SERVICES = ("auth", "vendor-sync", "psa-sync", "matcher", "billing")

_MONTH_MS = str(30 * 24 * 3600 * 1000)
_FOREVER = "-1"


class TopicLayout(BaseModel):
    """Into how many partitions and replicas a topic is divided; dead letters need no parallel readers."""

    model_config = ConfigDict(frozen=True)

    partitions: int = 4
    replicas: int = 1


class TopicCreatorSettings(BaseSettings):
    """What the command reads from its environment."""

    model_config = SettingsConfigDict(frozen=True, env_nested_delimiter="__", extra="ignore")

    kafka: KafkaSettings
    topics: TopicLayout = TopicLayout()


def topics(layout: TopicLayout) -> list[NewTopic]:
    """Returns every topic of the catalogue, and a dead-letter topic for every service that consumes."""
    dead_letters = [
        NewTopic(dead_letter_topic(service), 1, layout.replicas, topic_configs={"retention.ms": _FOREVER})
        for service in CONSUMING_SERVICES
    ]
    return [_topic(message, layout) for message in MESSAGES] + dead_letters


async def create(settings: TopicCreatorSettings) -> int:
    """Creates the topics that are missing, and returns how many; raises `KafkaError` on any other fault."""
    admin = AIOKafkaAdminClient(**client_options(settings.kafka))
    await admin.start()
    try:
        answer = await admin.create_topics(topics(settings.topics))
    finally:
        await admin.close()
    faults = [for_code(code)(f"{name}: {text}") for name, code, text in answer.topic_errors if code]
    for fault in faults:
        if not isinstance(fault, TopicAlreadyExistsError):
            raise fault
    return len(answer.topic_errors) - len(faults)


def _topic(message: type[Message], layout: TopicLayout) -> NewTopic:
    """State topics keep the newest record of each key for ever; events and commands stay a month."""
    retention = {"cleanup.policy": "compact"} if message.compacted else {"retention.ms": _MONTH_MS}
    return NewTopic(message.topic, layout.partitions, layout.replicas, topic_configs=retention)


def main() -> None:
    try:
        created = asyncio.run(create(load(TopicCreatorSettings)))
    except KafkaError as error:
        sys.exit(f"topics could not be created: {error!r}")
    print(f"{created} topics created")  # noqa: T201 (a command)


if __name__ == "__main__":
    main()
