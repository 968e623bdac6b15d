"""Requests to finish mapping, and the record of each finish."""

from dataclasses import dataclass

from shared.contracts.matcher import MappingFinished, MappingKind


@dataclass(frozen=True, slots=True)
class FinishRequest:
    """Who finishes the mapping of which vendor to which PSA."""

    tenant_id: str
    vendor_integration_id: str
    psa_integration_id: str
    by: str
    idempotency_key: str | None = None
    """Two requests with the same key are one request; without a key each request is one of its own."""


@dataclass(frozen=True, slots=True)
class FinishRecord:
    """The message that a request led to."""

    id: str
    """The request's idempotency key, or without one the finish id."""
    event: MappingFinished


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a mapping can be finished, by the one rule that the preview and the finish itself use."""

    counts: dict[str, int]
    """How many accounts and services are mapped between the two, and how many of the vendor's excluded."""
    missing: tuple[MappingKind, ...] = ()
    """Of what nothing is mapped yet."""
    objection: str | None = None
    """Why it cannot be finished now, and what to do; None when it can."""
