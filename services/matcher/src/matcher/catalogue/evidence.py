"""What helps to recognise an item on the other side, beside name and code; it decides nothing by itself."""

# Invariant: evidence is what the newest observation says, and is stored and read back as it is. An item of
# an older document, or whose provider tells nothing, has none or empty fields, never a guess:
#
#   stored by an older release                      None
#   {"town": "Leeds"}                               AccountEvidence(town="Leeds")
#   {"town": "Leeds", "of a later release": 1}      AccountEvidence(town="Leeds")

from dataclasses import asdict, dataclass, fields
from typing import Any, TypeAlias

from shared.contracts import psa_sync, vendor_sync
from shared.contracts.matcher import MappingKind


@dataclass(frozen=True, slots=True)
class AccountEvidence:
    """What is known of a customer or a company."""

    tax_id: str | None = None
    """Capital letters and digits alone."""
    domains: tuple[str, ...] = ()
    """Lower-case ASCII, without `www.` and without hosts that many companies share."""
    town: str | None = None
    postcode: str | None = None
    country: str | None = None
    """ISO 3166-1 alpha-2."""
    status: str | None = None
    """The provider's, or its tenant's, own word."""
    types: tuple[str, ...] = ()
    """The tenant's own words, of a PSA's company alone."""


@dataclass(frozen=True, slots=True)
class OfferingEvidence:
    """What is known of a vendor's service or a PSA's product."""

    manufacturer_part_number: str | None = None
    vendor: str | None = None
    """Who makes it; of a PSA's product that does not say it, from whom it is bought."""
    family: str | None = None
    plan: str | None = None
    edition: str | None = None
    term: str | None = None
    """`1 year`; of a vendor's service alone, as the billing period."""
    billing_period: str | None = None
    description: str | None = None
    """Of a PSA's product alone, as its category and class."""
    category: str | None = None
    product_class: str | None = None


Evidence: TypeAlias = AccountEvidence | OfferingEvidence

_MODELS: dict[MappingKind, type[Evidence]] = {
    MappingKind.ACCOUNT: AccountEvidence,
    MappingKind.SERVICE: OfferingEvidence,
}


def evidence_of(
    observed: vendor_sync.VendorAccountObserved
    | vendor_sync.ServiceObserved
    | psa_sync.PsaAccountObserved
    | psa_sync.ProductObserved,
) -> Evidence:
    """Returns what an observation tells of its thing."""
    match observed:
        case vendor_sync.VendorAccountObserved():
            return AccountEvidence(**_common(observed, AccountEvidence))
        case psa_sync.PsaAccountObserved():
            return AccountEvidence(**_common(observed, AccountEvidence))
        case vendor_sync.ServiceObserved(mpn=mpn):
            return OfferingEvidence(**_common(observed, OfferingEvidence), manufacturer_part_number=mpn)
        case psa_sync.ProductObserved():
            return OfferingEvidence(**_common(observed, OfferingEvidence))


def evidence_document(evidence: Evidence | None) -> dict[str, Any] | None:
    """Returns the evidence as it is stored: without what is not known, which most of it is not."""
    if evidence is None:
        return None
    return {name: value for name, value in asdict(evidence).items() if value}


def evidence_from(kind: MappingKind, document: dict[str, Any] | None) -> Evidence | None:
    """Returns the evidence of an item of this kind; fields that a later release stored are left out."""
    if document is None:
        return None
    model = _MODELS[kind]
    known = {field.name for field in fields(model)}
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in document.items()
        if name in known
    }
    return model(**values)


def _common(observed: Any, model: type[Evidence]) -> dict[str, Any]:
    """Returns the fields that are called alike in the message and in the evidence."""
    names = [field.name for field in fields(model) if field.name in type(observed).model_fields]
    return {name: getattr(observed, name) for name in names}
