"""Held runs as the status channel shows them."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

SHOWN_HOLDS = 5
"""So many held runs of an integration a status shows: a document must stay small."""


class RunHold(BaseModel):
    """A run that is not believed until a person has looked; field names are read by dashboards."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: str
    objection: str
    """Why it is held, in a sentence."""
    held_at: AwareDatetime


def _known_holds(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Returns no holds for what is none: a status must not be lost for what somebody wrote beside it."""
    try:
        return validate(value)
    except ValidationError:
        return ()


HeldRuns = Annotated[tuple[RunHold, ...], WrapValidator(_known_holds)]
"""The newest first."""
_HELD_RUNS = TypeAdapter(tuple[RunHold, ...])


def held_runs_json(holds: Sequence[RunHold]) -> str:
    """Returns the first of these holds as a status shows them."""
    return _HELD_RUNS.dump_json(tuple(holds[:SHOWN_HOLDS])).decode()
