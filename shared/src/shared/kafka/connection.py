"""Turns settings into the options of every client: where Kafka is, who signs in to it, what is encrypted."""

import logging
import ssl
from typing import Any

from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from shared.runtime.settings import KafkaSettings

_SIGN_INS: dict[str, type[SASLPlaintext | SASLScram256 | SASLScram512]] = {
    "PLAIN": SASLPlaintext,
    "SCRAM-SHA-256": SASLScram256,
    "SCRAM-SHA-512": SASLScram512,
}


def connection_security(settings: KafkaSettings) -> BaseSecurity | None:
    """Returns how a FastStream broker signs in and encrypts; None where Kafka asks for neither."""
    context = ssl.create_default_context() if settings.tls else None
    if settings.username and settings.password:
        sign_in = _SIGN_INS[settings.mechanism]
        return sign_in(settings.username, settings.password.get_secret_value(), ssl_context=context)
    return BaseSecurity(ssl_context=context) if context else None


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """Returns the same as `connection_security`, and the addresses, as aiokafka's own clients take them."""
    security = parse_security(connection_security(settings))
    return {"bootstrap_servers": settings.servers.split(","), **security}


def _is_worth_logging(record: logging.LogRecord) -> bool:
    # aiokafka says so at every connection.  KafkaSettings has made sure that it is said of loopback only.
    return record.msg != "Sending username and password in the clear"


logging.getLogger("aiokafka.conn").addFilter(_is_worth_logging)
