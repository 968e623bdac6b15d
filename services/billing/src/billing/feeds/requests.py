"""Bodies of the requests that end a hold."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.limits.messages import REMARK_CHARACTERS
from shared.plain_text import PlainText, counted

Reason = Annotated[
    PlainText,
    StringConstraints(min_length=1, max_length=REMARK_CHARACTERS.most, strip_whitespace=True),
    counted(REMARK_CHARACTERS),
]


class ResolutionRequest(BaseModel):
    """Why the run is released, or rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Reason = Field(description="What was found out; it stands in the audit log.")
