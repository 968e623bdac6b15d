"""What people ask of proposals, checked."""

from pydantic import BaseModel, ConfigDict

from matcher.proposals.service import RefusedItem
from shared.web.person import Person
from shared.web.requests import Id

PROPOSALS_PATH = "/proposals/{kind}/{vendor_integration_id}/{vendor_id:path}"


class RefusalRequest(BaseModel):
    """The vendor item is not this PSA item."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"psa_integration_id": "int_c8f8e50eee5be8dd", "psa_id": "19297"}]},
    )

    psa_integration_id: Id
    psa_id: Id

    def by(self, person: Person) -> RefusedItem:
        return RefusedItem(self.psa_integration_id, self.psa_id, person.person_id)
