"""Kafka for the services: the only place where a broker is built and a subscriber declared."""

from shared.kafka.broker import make_broker
from shared.kafka.dead_letters import dead_letter_topic
from shared.kafka.envelopes import Envelope, enveloped
from shared.kafka.fenced import Fenced
from shared.kafka.pipeline import consume
from shared.kafka.publishing import Publisher

__all__ = ["Envelope", "Fenced", "Publisher", "consume", "dead_letter_topic", "enveloped", "make_broker"]
