"""Reads the rows of the two plain lists of a trial, and says by row what cannot be read."""

# Invariant: a list is used as a whole or not at all. A field that holds nothing (null, an empty cell) is as
# good as one that is not there, so that another field of the same meaning may speak:
#
#   {"id": 7, "name": null, "external_id": "", "identifier": "ACME"}    → id "7", name "", code "ACME"
#   {"id": 7}                                                           → row 1: name: Field required

from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from matcher.proposals.list_files import load_list
from matcher.proposals.records import AccountRecord, ServiceRecord
from shared.errors import PermanentError
from shared.evidence.countries import country_code
from shared.evidence.domains import domains_of
from shared.evidence.texts import postcode_of, tax_id_of, town_of

_SHOWN_FAULTS = 5


def _as_text(value: Any) -> Any:
    if value is None:
        return ""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _as_period(value: Any) -> Any:
    """Takes a period as text, or as the marketplace's `{"type": "year", "duration": 1}`."""
    return (
        f"{value.get('duration', '')} {value.get('type', '')}".strip() if isinstance(value, dict) else value
    )


Text = Annotated[str, BeforeValidator(_as_text)]
OptionalText = Annotated[str | None, BeforeValidator(_as_text)]
Period = Annotated[str | None, BeforeValidator(_as_period)]
_DOMAIN_FIELDS = (
    *(
        "domains",
        "domain",
        "website",
        "websites",
        "web",
        "url",
        "email",
        "emails",
        "email_domain",
        "emailDomain",
    ),
    *(
        "email_domains",
        "emailDomains",
        "website_domain",
        "websiteDomain",
        "website_domains",
        "websiteDomains",
    ),
)
"""Whatever of these a row has is read; of each only the domain is kept."""


_REQUIRED = frozenset({"id", "name"})


class Row(BaseModel):
    """What every row has; columns that are not known are ignored."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=False)

    id: Text = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nothing(cls, row: Any) -> Any:
        if not isinstance(row, dict):
            return row
        # A row without a name is unlike one whose name is empty: its column may be called otherwise.
        return {name: value for name, value in row.items() if value not in (None, "") or name in _REQUIRED}

    @property
    def identity(self) -> Hashable:
        """What no two rows of a list may share."""
        return self.id


class AccountRow(Row):
    """An account: all but id and name may be absent; evidence that cannot be read counts as absent."""

    name: Text
    code: OptionalText = Field(
        None, validation_alias=AliasChoices("external_id", "externalId", "identifier", "account_key", "code")
    )
    tax_id: Annotated[str | None, BeforeValidator(tax_id_of)] = Field(
        None, validation_alias=AliasChoices("tax_id", "taxId", "vat", "vat_id")
    )
    domains: tuple[str, ...] = ()
    town: Annotated[str | None, BeforeValidator(town_of)] = Field(
        None, validation_alias=AliasChoices("town", "city")
    )
    postcode: Annotated[str | None, BeforeValidator(postcode_of)] = Field(
        None, validation_alias=AliasChoices("postcode", "postal_code", "postalCode", "zip")
    )
    country: Annotated[str | None, BeforeValidator(country_code)] = Field(
        None, validation_alias=AliasChoices("country", "country_code", "countryCode")
    )

    @model_validator(mode="before")
    @classmethod
    def _gather_domains(cls, row: Any) -> Any:
        if not isinstance(row, dict):
            return row
        said = [row[name] for name in _DOMAIN_FIELDS if name in row]
        texts = [text for value in said for text in (value if isinstance(value, list) else [value])]
        return {**row, "domains": domains_of(texts)}

    def record(self) -> AccountRecord:
        return AccountRecord(**self.model_dump())


class VendorServiceRow(Row):
    """A service as the marketplace sells it."""

    name: Text
    tenant: Text = ""
    mpn: OptionalText = None
    vendor: OptionalText = None
    term: Period = Field(
        None, validation_alias=AliasChoices("subscriptionPeriod", "subscription_period", "term")
    )
    billing_period: Period = Field(None, validation_alias=AliasChoices("billingPeriod", "billing_period"))

    def record(self) -> ServiceRecord:
        return ServiceRecord(
            self.id,
            self.name,
            self.mpn,
            vendor=self.vendor,
            term=self.term,
            billing_period=self.billing_period,
        )


class ProductRow(Row):
    """A product of the PSA's catalogue."""

    identifier: OptionalText = Field(None, validation_alias=AliasChoices("identifier", "product_id", "code"))
    description: Text = Field("", validation_alias=AliasChoices("description", "name"))
    tenant: Text = ""
    part_number: OptionalText = Field(
        None,
        validation_alias=AliasChoices("manufacturer_part_number", "manufacturerPartNumber", "part_number"),
    )

    @property
    def identity(self) -> Hashable:
        """Two tenants have a PSA each, and these number alike."""
        return self.tenant, self.id

    def record(self) -> ServiceRecord:
        return ServiceRecord(
            self.id, self.description, self.identifier, part_number=self.part_number, is_code_text=True
        )


AnyRow = TypeVar("AnyRow", bound=Row)


def read_rows(path: Path, model: type[AnyRow]) -> list[AnyRow]:
    """Returns the rows of a JSON or CSV file. Raises `PermanentError` with the first faults, by row."""
    rows, faults, ids = list[AnyRow](), list[str](), set[Hashable]()
    for number, row in enumerate(load_list(path), start=1):
        try:
            read = model.model_validate(row)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            faults.append(f"row {number}: {'.'.join(map(str, first['loc'])) or 'row'}: {first['msg']}")
            continue
        if read.identity in ids:
            faults.append(f"row {number}: the id {read.id} was there before")
        ids.add(read.identity)
        rows.append(read)
    if faults:
        more = f"; and {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else ""
        raise PermanentError(f"{path} cannot be used: {'; '.join(faults[:_SHOWN_FAULTS])}{more}")
    return rows
