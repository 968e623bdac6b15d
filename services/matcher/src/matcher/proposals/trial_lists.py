"""Reads the two plain lists of a trial, from JSON or CSV, and says by row what cannot be read."""

import csv
import json
from collections.abc import Sequence
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

from matcher.proposals.records import AccountRecord, ServiceRecord
from shared.errors import PermanentError
from shared.evidence.countries import country_code
from shared.evidence.domains import domains_of
from shared.evidence.texts import postcode_of, tax_id_of, town_of

MOST_BYTES = 200_000_000
_SHOWN_FAULTS = 5


def _as_text(value: Any) -> Any:
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


class Row(BaseModel):
    """What every row has; columns that are not known are ignored."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=False)

    id: Text = Field(min_length=1)


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

    def record(self) -> ServiceRecord:
        return ServiceRecord(
            self.id, self.description, self.identifier, part_number=self.part_number, is_code_text=True
        )


AnyRow = TypeVar("AnyRow", bound=Row)


def read_rows(path: Path, model: type[AnyRow]) -> list[AnyRow]:
    """Returns the rows of a JSON or CSV file. Raises `PermanentError` with the first faults, by row."""
    rows, faults, ids = list[AnyRow](), list[str](), set[str]()
    for number, row in enumerate(_load(path), start=1):
        try:
            read = model.model_validate(row)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            faults.append(f"row {number}: {'.'.join(map(str, first['loc'])) or 'row'}: {first['msg']}")
            continue
        if read.id in ids:
            faults.append(f"row {number}: the id {read.id} was there before")
        ids.add(read.id)
        rows.append(read)
    if faults:
        more = f"; and {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else ""
        raise PermanentError(f"{path} cannot be used: {'; '.join(faults[:_SHOWN_FAULTS])}{more}")
    return rows


def _load(path: Path) -> Sequence[Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise PermanentError(f"{path} has more than {MOST_BYTES:,} bytes: divide it")
        text = path.read_text("utf-8-sig")
        if path.suffix.lower() == ".csv":
            return [
                {name: value for name, value in row.items() if value}
                for row in csv.DictReader(text.splitlines())
            ]
        found = json.loads(text)
    except OSError as error:
        raise PermanentError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PermanentError(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8") from error
    except ValueError as error:
        raise PermanentError(f"{path} is not JSON: {error}") from error
    if not isinstance(found, list):
        raise PermanentError(f"{path} must hold a list of rows, and holds {type(found).__name__}")
    return found
