"""Reads items of the catalogue as the engine's records."""

from matcher.catalogue.evidence import AccountEvidence, OfferingEvidence
from matcher.catalogue.items import Item, name_label, part_number
from matcher.proposals.records import AccountRecord, ServiceRecord
from shared.contracts.base import Side


def account_record(item: Item) -> AccountRecord:
    """Returns what an account says; the stand-in name of a customer whom no list has named counts as none."""
    evidence = item.evidence if isinstance(item.evidence, AccountEvidence) else AccountEvidence()
    return AccountRecord(
        id=item.key,
        name=name_label(item),
        code=item.code,
        tax_id=evidence.tax_id,
        domains=evidence.domains,
        town=evidence.town,
        postcode=evidence.postcode,
        country=evidence.country,
    )


def service_record(item: Item) -> ServiceRecord:
    """Returns what a vendor's service or a PSA's product says; a product's code is written by people."""
    evidence = item.evidence if isinstance(item.evidence, OfferingEvidence) else OfferingEvidence()
    is_product = item.kind.side is Side.PSA
    return ServiceRecord(
        id=item.key,
        name=item.name,
        code=part_number(item),
        part_number=evidence.manufacturer_part_number if is_product else None,
        vendor=evidence.vendor,
        term=None if is_product else evidence.term,
        billing_period=None if is_product else evidence.billing_period,
        is_code_text=is_product,
    )
