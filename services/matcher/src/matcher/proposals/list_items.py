"""Rows of plain lists as items of a catalogue: what decides on the one decides on the other."""

from matcher.catalogue.evidence import AccountEvidence, Evidence, OfferingEvidence
from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS, Item
from matcher.proposals.records import AccountRecord, ServiceRecord
from shared.contracts.base import Side
from shared.contracts.matcher import MappingKind

_NOBODY = "trial"
"""Stands for the tenant and the integration, of which a list has none."""


def account_item(side: Side, record: AccountRecord) -> Item:
    evidence = AccountEvidence(
        tax_id=record.tax_id,
        domains=record.domains,
        town=record.town,
        postcode=record.postcode,
        country=record.country,
    )
    return _item(side, MappingKind.ACCOUNT, record, evidence)


def offering_item(side: Side, record: ServiceRecord) -> Item:
    """Returns a vendor's service or a PSA's product."""
    evidence = OfferingEvidence(
        manufacturer_part_number=record.part_number,
        vendor=record.vendor,
        term=record.term,
        billing_period=record.billing_period,
    )
    return _item(side, MappingKind.SERVICE, record, evidence)


def _item(side: Side, kind: MappingKind, record: AccountRecord | ServiceRecord, evidence: Evidence) -> Item:
    kinds = VENDOR_KINDS if side is Side.VENDOR else PSA_KINDS
    return Item(
        kinds[kind], _NOBODY, _NOBODY, record.id, record.name, revision=1, code=record.code, evidence=evidence
    )
