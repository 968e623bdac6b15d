"""How a message travels: CloudEvents 1.0 in binary mode, keyed by the thing that it is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from shared.contracts import Message
from shared.runtime.clock import utc_now


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message ready to send; consumers deduplicate by `headers["ce_id"]`."""

    topic: str
    key: str
    body: bytes
    headers: Mapping[str, str]


def envelope_of(message: Message, *, source: str, correlation_id: str | None = None) -> Envelope:
    """Wraps a message once: sending the envelope again repeats the same `ce_id`.

    `source` is the name of the publishing service; a message without a `correlation_id` starts its own.
    """
    ce_id = str(uuid4())
    return Envelope(
        topic=message.topic,
        key=message.key,
        body=message.model_dump_json().encode(),
        headers={
            "ce_specversion": "1.0",
            "ce_id": ce_id,
            "ce_source": f"/trueup/{source}",
            "ce_type": message.topic,
            "ce_time": utc_now().isoformat(),
            "content-type": "application/json",
            "correlation_id": correlation_id or ce_id,
        },
    )
