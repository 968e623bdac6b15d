"""How a finish is answered."""

from pydantic import BaseModel


class FinishResponse(BaseModel):
    """The id of the finish, which becomes that of the sync it starts, and how much is mapped and excluded."""

    finish_id: str
    counts: dict[str, int]
