"""How far the mapping of a marketplace has come, as the status channel shows it."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, ValidationError, ValidatorFunctionWrapHandler, WrapValidator


class KindCounts(BaseModel):
    """What waits for a person of one kind; field names are read by dashboards."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    undecided: int = 0
    """Usable items of the marketplace on which nothing is decided."""
    proposed: int = 0
    """Of these, how many have a proposal."""
    likely: int = 0
    """Of these, how many have one of a probability of at least 0.9."""


class MappingCounts(BaseModel):
    """What waits for a person, of both kinds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    accounts: KindCounts = KindCounts()
    services: KindCounts = KindCounts()


def _known_counts(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Returns None for what are no counts: a status must not be lost for what somebody wrote beside it."""
    try:
        return validate(value)
    except ValidationError:
        return None


ShownCounts = Annotated[MappingCounts | None, WrapValidator(_known_counts)]
"""None of a PSA, and while nothing was counted."""
