"""Tells of somebody else's write by what a line shows of its last change; pure."""

from psa_sync.psa import PsaLine
from shared.contracts.quantity_write import ForeignWrite


def foreign_write_of(line: PsaLine) -> ForeignWrite:
    """Returns the write that gave the line its number, as far as the PSA stamps it."""
    update = line.last_update
    foreign = ForeignWrite(quantity=line.quantity, updated_by=update.by if update else None)
    if update is None:
        return foreign
    try:
        return ForeignWrite.model_validate({**dict(foreign), "updated_at": update.at})
    except ValueError:  # by a clock that is days ahead, or no clock at all
        return foreign
