"""Validates what a service says of its API; the validator takes so long to import that it waits."""

from collections.abc import Mapping
from typing import Any


def assert_valid(description: Mapping[str, Any]) -> None:
    """Raises `OpenAPIValidationError` for a description that OpenAPI does not allow."""
    from openapi_spec_validator import validate  # noqa: PLC0415 (only where it is used)

    validate(description)
