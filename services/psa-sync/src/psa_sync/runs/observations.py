"""Translates the PSA's things into the words of the contract; pure."""

from psa_sync.psa import CatalogueItem, Company, PsaLine
from shared.contracts.psa_sync import AgreementLineObserved, ProductObserved, PsaAccountObserved
from shared.sync_engine.stamp import Stamp


def account_observed(company: Company, stamp: Stamp) -> PsaAccountObserved:
    return PsaAccountObserved(
        **stamp.fields,
        account_id=company.company_id,
        account_key=company.key,
        name=company.name,
        active=company.active,
        tax_id=company.tax_id,
        domains=company.domains,
        town=company.town,
        postcode=company.postcode,
        country=company.country,
        status=company.status,
        types=company.types,
    )


def product_observed(item: CatalogueItem, stamp: Stamp) -> ProductObserved:
    return ProductObserved(
        **stamp.fields,
        product_id=item.product_id,
        product_key=item.key,
        name=item.name,
        active=item.active,
        description=item.description,
        manufacturer_part_number=item.manufacturer_part_number,
        vendor=item.vendor,
        category=item.category,
        product_class=item.product_class,
    )


def agreement_line_observed(line: PsaLine, stamp: Stamp, *, read_back: bool = False) -> AgreementLineObserved:
    """The dates are those on which both the line and its agreement run."""
    agreement = line.agreement
    return AgreementLineObserved(
        **stamp.fields,
        line_id=line.line_id,
        agreement_id=agreement.agreement_id,
        agreement_name=agreement.name,
        account_id=agreement.company_id,
        product_id=line.product_id,
        quantity=line.quantity,
        included=line.included,
        unit_price=line.unit_price,
        unit_cost=line.unit_cost,
        currency=agreement.currency,
        starts_on=line.starts_on,
        ends_on=line.ends_on,
        billable=line.billable,
        read_back=read_back,
    )


def agreement_line_key(line_id: str, stamp: Stamp) -> AgreementLineObserved:
    """Makes an observation that has only the line's key, to look up what was last seen of the line."""
    return AgreementLineObserved.model_construct(**stamp.fields, line_id=line_id)
