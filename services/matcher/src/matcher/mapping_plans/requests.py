"""What people ask of plans, files and versions, checked."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from matcher.mapping_plans.exports import FileFormat
from matcher.mapping_plans.file_rows import COLUMNS
from matcher.mapping_plans.imports import ImportRequest
from matcher.mapping_plans.models import DIGEST_CHARACTERS, ApplyRequest, RowOutcome
from matcher.mapping_plans.relinks import RelinkRequest
from matcher.mappings.search import MappingQuery
from shared.contracts.matcher import MappingKind
from shared.limits.http import IMPORT_BODY_BYTES
from shared.limits.people import (
    IMPORT_ROW_CHARACTERS,
    IMPORT_ROWS,
    INTEGRATION_NAME_CHARACTERS,
    PAGE_ROWS,
    PLAN_EXCEPTIONS,
)
from shared.plain_text import PlainText, counted
from shared.web.pagination import PageLimit, PageRequest, RevisionCursor
from shared.web.person import Person
from shared.web.requests import Id

ShortName = Annotated[
    PlainText,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=INTEGRATION_NAME_CHARACTERS.most),
    counted(INTEGRATION_NAME_CHARACTERS),
]


_CELL = {"anyOf": [{"type": "string", "maxLength": IMPORT_ROW_CHARACTERS.most}, {"type": "null"}]}
JSON_FILE = {
    "type": "array",
    "maxItems": IMPORT_ROWS.most,
    "items": {
        "type": "object",
        "properties": dict.fromkeys(COLUMNS, _CELL),
        "additionalProperties": False,
    },
}
"""The schema of a file in JSON, which is read row by row and never as a whole."""
CSV_FILE = {
    "type": "string",
    "maxLength": IMPORT_BODY_BYTES.most,
    "description": f"UTF-8; the first line names the columns, of {', '.join(COLUMNS)}.",
}


class ExportParameters(BaseModel):
    """Which decisions, and how they are written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: FileFormat = Field(FileFormat.CSV, description="`csv`, for a spreadsheet, or `json`.")
    kind: MappingKind | None = Field(None, description="Only decisions on accounts, or on services.")
    vendor_integration_id: Id | None = Field(None, description="Only decisions on this vendor's items.")

    def query(self, person: Person) -> MappingQuery:
        return MappingQuery(person.tenant_id, self.kind, None, self.vendor_integration_id)


class ImportParameters(BaseModel):
    """What a file is taken for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file_name: ShortName = Field(
        "a file", description="Its name, which the reason of each decision says.", examples=["mappings.csv"]
    )
    complete: bool = Field(
        default=False, description="Revoke what the file does not name; otherwise that is left alone."
    )
    kind: MappingKind | None = Field(
        None, description="With `complete`: the file names all accounts, or all services; both without it."
    )
    vendor_integration_id: Id | None = Field(
        None, description="With `complete`: the file names all items of this vendor; of all without it."
    )

    def import_request(self, person: Person, *, is_json: bool) -> ImportRequest:
        return ImportRequest(
            tenant_id=person.tenant_id,
            by=person.person_id,
            file_name=self.file_name,
            is_json=is_json,
            is_complete=self.complete,
            kind=self.kind,
            vendor_integration_id=self.vendor_integration_id,
        )


class PlanParameters(BaseModel):
    """Which rows of a plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: RowOutcome | None = Field(None, description="Only rows with this outcome.")
    after: RevisionCursor | None = Field(None, description="`next` of the page before; none for the first.")
    limit: PageLimit = Field(100, description="How many rows at most.")


class ApplyBody(BaseModel):
    """The plan as the person saw it."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"digest": "0f" * 32, "expected_count": 41, "skip_errors": False, "except_rows": [7]}
            ]
        },
    )

    digest: Annotated[
        str, StringConstraints(pattern=rf"^[0-9a-f]{{{DIGEST_CHARACTERS}}}$", max_length=DIGEST_CHARACTERS)
    ] = Field(description="`digest` of the plan: what was reviewed.")
    expected_count: Annotated[int, Field(ge=0, le=2**31)] = Field(
        description="How many mappings change: `applicable` of the plan, less the rows left out."
    )
    skip_errors: bool = Field(default=False, description="Apply the others though some rows are in error.")
    except_rows: Annotated[
        tuple[Annotated[int, Field(ge=1, le=2**31)], ...],
        Field(max_length=PLAN_EXCEPTIONS.most),
        counted(PLAN_EXCEPTIONS),
    ] = Field((), description="Numbers of rows that are left out.")

    def request(self, person: Person, plan_id: str, key: str) -> ApplyRequest:
        return ApplyRequest(
            tenant_id=person.tenant_id,
            plan_id=plan_id,
            by=person.person_id,
            idempotency_key=key,
            digest=self.digest,
            expected_count=self.expected_count,
            skip_errors=self.skip_errors,
            except_rows=self.except_rows,
        )


class VersionBody(BaseModel):
    """A name for the present mappings."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"examples": [{"name": "before the move to HaloPSA"}]}
    )

    name: ShortName


class VersionsParameters(PageRequest):
    """Which versions, the newest first."""


class DifferenceParameters(PageRequest):
    """Which differences."""

    to: Id | None = Field(None, description="The version to compare with; the present without it.")
    limit: Annotated[int, Field(ge=1, le=PAGE_ROWS.most), counted(PAGE_ROWS)] = Field(
        100, description="How many at most."
    )


class RelinkBody(BaseModel):
    """From which PSA to which."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "from_psa_integration_id": "int_c8f8e50eee5be8dd",
                    "to_psa_integration_id": "int_77d1bf0e2f1a9c44",
                }
            ]
        },
    )

    to_psa_integration_id: Id
    from_psa_integration_id: Id | None = Field(
        None, description="The PSA that things are mapped to now, disconnected or not."
    )
    from_provider: Id | None = Field(None, description="With `from_realm`, in place of an id that is gone.")
    from_realm: Id | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        by_realm = self.from_provider is not None and self.from_realm is not None
        if (self.from_psa_integration_id is not None) == by_realm:
            raise ValueError("name the old PSA by its integration id, or by provider and realm")
        return self

    def request(self, person: Person) -> RelinkRequest:
        return RelinkRequest(
            tenant_id=person.tenant_id,
            by=person.person_id,
            to_integration_id=self.to_psa_integration_id,
            from_integration_id=self.from_psa_integration_id,
            from_provider=self.from_provider or "",
            from_realm=self.from_realm or "",
        )
