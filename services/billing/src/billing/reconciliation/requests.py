"""Body of `POST /rules/preview`."""

from pydantic import BaseModel, ConfigDict, Field

from billing.reconciliation.rules_preview import ProposedRules
from billing.usage.ref import Ref, RefKind
from shared.web.mapping_rules_request import MappingRulesRequest
from shared.web.pagination import PageLimit
from shared.web.person import Person
from shared.web.requests import Id

_DEFAULT_LINES = 100


class RulesPreviewRequest(BaseModel):
    """The mapping of a service, and its rules, as they would be decided."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "vendor_integration_id": "int_1190feebee4bd1d7",
                    "service_id": "MS-M365-BP",
                    "psa_integration_id": "int_c8f8e50eee5be8dd",
                    "psa_id": "41",
                    "rules": {"quantity": {"included_units": "5", "multiple": "10", "rounding": "up"}},
                }
            ]
        },
    )

    vendor_integration_id: Id
    service_id: Id
    psa_integration_id: Id
    psa_id: Id = Field(description="The product that the service is, or would be, mapped to.")
    rules: MappingRulesRequest = Field(description="The rules; `{}` shows what is without any.")
    limit: PageLimit = Field(_DEFAULT_LINES, description="How many of the lines that change are shown.")

    def proposed_by(self, person: Person) -> ProposedRules:
        return ProposedRules(
            person.tenant_id,
            person.person_id,
            Ref(RefKind.VENDOR_SERVICE, self.vendor_integration_id, self.service_id),
            Ref(RefKind.PSA_PRODUCT, self.psa_integration_id, self.psa_id),
            self.rules.rules(),
        )
