"""Which topics a service consumes, and in which consumer group each."""

from shared.contracts import MESSAGES


def consumer_group(service: str, topic: str) -> str:
    """Returns the group in which a service consumes a topic: one for each, so that none holds up another."""
    return f"{service}.{topic}"


def consumed_topics(service: str) -> list[str]:
    """Returns the topics that the service consumes."""
    return [message.topic for message in MESSAGES if service in message.readers]
