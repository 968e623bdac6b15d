"""A write of somebody else that collided with one of ours, as a usage line shows it."""

from enum import StrEnum

from pydantic import AwareDatetime

from shared.contracts.base import ContractModel
from shared.contracts.fields import Number
from shared.contracts.quantity_write import ForeignWrite


class CollisionKind(StrEnum):
    """How the two writes met."""

    OVERWRITTEN = "overwritten"
    """Ours replaced theirs."""
    FOLLOWED = "followed"
    """Theirs came after ours, and left its quantity."""
    IN_THE_WAY = "in-the-way"
    """Theirs stands, and kept ours from being made or proven."""


class WriteCollision(ContractModel):
    """Both numbers, and who wrote the other one."""

    approval_id: str
    kind: CollisionKind
    ours: Number
    """What was approved."""
    theirs: ForeignWrite
    ended_at: AwareDatetime
    """When our write ended."""
