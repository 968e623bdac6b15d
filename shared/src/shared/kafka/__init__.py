"""Kafka for the services: the only place where a broker is built and a subscriber declared."""

from shared.kafka.broker import make_broker
from shared.kafka.connection import client_options
from shared.kafka.control_job import ControlJob
from shared.kafka.dead_letters import dead_letter_topic
from shared.kafka.envelope import Envelope, envelope_of
from shared.kafka.fenced_producer import FencedProducers
from shared.kafka.pipeline import consume
from shared.kafka.publisher import Publisher

__all__ = [
    "ControlJob",
    "Envelope",
    "FencedProducers",
    "Publisher",
    "client_options",
    "consume",
    "dead_letter_topic",
    "envelope_of",
    "make_broker",
]
