"""What requests to several services carry besides their own models."""

from typing import Annotated

from fastapi import Header

_IDEMPOTENCY_KEY = Header(
    min_length=1,
    max_length=200,
    description="A new key for each decision. Sent again with the same request it changes nothing.",
)

IdempotencyKey = Annotated[str, _IDEMPOTENCY_KEY]
"""For a route that refuses to decide anything without a key."""
OptionalIdempotencyKey = Annotated[str | None, _IDEMPOTENCY_KEY]
"""For a route that takes a request without a key as a new one; the parameter's default is None."""
