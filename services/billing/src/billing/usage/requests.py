"""Query parameters of `GET /usage`."""

from pydantic import Field

from shared.contracts.billing import LineClass
from shared.web.pagination import PageRequest
from shared.web.requests import SearchText


class UsageRequest(PageRequest):
    """Selects a page of usage lines."""

    line_class: LineClass | None = Field(None, description="Only lines of this class.")
    search: SearchText | None = Field(None, description="Part of the name of an account, service or product.")
