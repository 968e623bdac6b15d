"""How mappings, their history, and what came of decisions are shown to people."""

from pydantic import BaseModel

from matcher.catalogue.responses import MappingResponse
from matcher.catalogue.search import NamedMapping
from matcher.mappings.models import DecisionOutcome, DecisionRefusal, OutcomeStatus
from shared.contracts.matcher import ReplacedDecision
from shared.web.openapi import ProblemDocument


class MappingsPage(BaseModel):
    """A page of mappings, by key; `next` is the `after` of the following page."""

    mappings: tuple[MappingResponse, ...]
    next: str | None


class MappingVersionResponse(MappingResponse):
    """A decision on a vendor item, with what it replaced."""

    replaced: ReplacedDecision | None
    """None for a decision from before this was kept; of revision 0 where nothing was decided before."""
    undoes: int | None
    """The revision of the decision that was taken back with this one."""


class HistoryPage(BaseModel):
    """A page of the decisions on one vendor item, newest first; `next` is the `after` of the following."""

    decisions: tuple[MappingVersionResponse, ...]
    next: str | None


class DecisionConflict(ProblemDocument):
    """Why a decision was not made, and the mapping as it is."""

    refusal: DecisionRefusal | None = None
    """None where the idempotency key belongs to another request."""
    mapping: MappingVersionResponse | None = None
    """None when nothing is decided."""


class OutcomeResponse(BaseModel):
    """What became of one decision of many, and the mapping as it is."""

    status: OutcomeStatus
    refusal: DecisionRefusal | None
    reason: str | None
    """A sentence for people, of one that was not made."""
    mapping: MappingVersionResponse | None
    """None when nothing is decided on the item, or there is no such item."""

    @classmethod
    def of(cls, outcome: DecisionOutcome, named: NamedMapping | None) -> "OutcomeResponse":
        return cls(
            status=outcome.status,
            refusal=outcome.refusal,
            reason=outcome.sentence,
            mapping=MappingVersionResponse.of(named) if named else None,
        )


class OutcomesResponse(BaseModel):
    """What became of each decision, in the order of the request, and how many there were of each status."""

    outcomes: tuple[OutcomeResponse, ...]
    counts: dict[OutcomeStatus, int]
