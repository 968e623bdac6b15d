"""How a finish, its preview and the counts before it are answered."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from matcher.catalogue.responses import UncomparedUsageResponse
from matcher.catalogue.search import MappingState
from matcher.finishing.models import Readiness
from matcher.finishing.progress import Progress
from matcher.uncompared_usage.models import UncomparedUsage
from shared.contracts.matcher import MappingKind, MappingMethod


class FinishResponse(BaseModel):
    """The id of the finish, which becomes that of the sync it starts, and how much is mapped and excluded."""

    finish_id: str
    counts: dict[str, int]


class CountsResponse(BaseModel):
    """How many present vendor items there are, by state and by how they were mapped."""

    total: int = Field(examples=[195])
    states: dict[MappingState, int] = Field(examples=[{"unmapped": 11, "mapped": 182, "excluded": 2}])
    """Every item is in exactly one state."""
    methods: dict[MappingMethod, int] = Field(
        examples=[{"exact": 170, "proposal": 9, "manual": 3, "import": 0}]
    )
    """The mapped ones by how they were mapped."""
    to_other_psa: int
    """Of the mapped ones, those mapped to another PSA than the one asked for."""
    suggested: int
    """Of the unmapped ones, those for which something is proposed."""
    new: int | None
    """First seen since the moment asked for; none without one."""
    usable: int
    """Those that are neither cancelled nor inactive."""

    @classmethod
    def of(cls, progress: Progress) -> Self:
        return cls.model_validate(progress, from_attributes=True)


_UNCOMPARED_EXAMPLE: dict[str, Any] = {
    "total": {"lines": 29, "seats": "131", "money": {"USD": "1240"}, "without_estimate": 6},
    "accounts": {"lines": 23, "seats": "98", "money": {"USD": "1240"}, "without_estimate": 2},
    "services": {"lines": 9, "seats": "40", "money": {"USD": "75.5"}, "without_estimate": 4},
}


class UncomparedResponse(BaseModel):
    """Usage that will not be compared, because something is not mapped."""

    model_config = ConfigDict(json_schema_extra={"examples": [_UNCOMPARED_EXAMPLE]})

    total: UncomparedUsageResponse
    """Each line once: one of which neither is mapped is in both of the others."""
    accounts: UncomparedUsageResponse
    """Of accounts that are not mapped."""
    services: UncomparedUsageResponse
    """Of services that are not mapped."""

    @classmethod
    def of(cls, usage: UncomparedUsage) -> Self:
        return cls(
            total=UncomparedUsageResponse.of(usage.total),
            accounts=UncomparedUsageResponse.of(usage.accounts),
            services=UncomparedUsageResponse.of(usage.services),
        )


class FinishPreviewResponse(BaseModel):
    """Whether a finish would be accepted now, and how far accounts and services are mapped."""

    ready: bool
    missing: tuple[MappingKind, ...] = Field(examples=[["service"]])
    """Of what nothing is mapped yet: at least one of each is needed."""
    objection: str | None = Field(
        examples=["no service of int_v is mapped to int_p: map at least one of each, then finish"]
    )
    """Why a finish would be refused, and what to do; none when it would be accepted."""
    counts: dict[str, int]
    """The counts that a finish would publish."""
    accounts: CountsResponse
    services: CountsResponse
    uncompared: UncomparedResponse

    @classmethod
    def of(
        cls, readiness: Readiness, accounts: Progress, services: Progress, *, usage: UncomparedUsage
    ) -> Self:
        return cls(
            ready=readiness.objection is None,
            missing=readiness.missing,
            objection=readiness.objection,
            counts=readiness.counts,
            accounts=CountsResponse.of(accounts),
            services=CountsResponse.of(services),
            uncompared=UncomparedResponse.of(usage),
        )
