"""How lists of mappings are shown to people; one mapping is shown as the catalogue shows it."""

from pydantic import BaseModel

from matcher.catalogue.responses import MappingResponse


class MappingsPage(BaseModel):
    """A page of mappings, by key; `next` is the `after` of the following page."""

    mappings: tuple[MappingResponse, ...]
    next: str | None
