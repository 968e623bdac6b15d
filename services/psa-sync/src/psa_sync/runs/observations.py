"""The PSA's things as observations, stamped with when, in what and before which read they were taken."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psa_sync.psa import CatalogueItem, Company, PsaLine
from shared.contracts.psa_sync import AgreementLineObserved, ProductObserved, PsaAccountObserved
from shared.sync_engine.models import IntegrationState


@dataclass(frozen=True, slots=True)
class Stamp:
    """Of one read: its run (or write), its revision, its time."""

    known: IntegrationState
    run_id: str
    revision: int
    at: datetime

    @property
    def fields(self) -> dict[str, Any]:
        return {
            "tenant_id": self.known.tenant_id,
            "integration_id": self.known.integration_id,
            "generation": self.known.generation,
            "run_id": self.run_id,
            "revision": self.revision,
            "observed_at": self.at,
        }

    @property
    def gone(self) -> dict[str, Any]:
        """What changes in the last observation of a thing that is there no more."""
        return {**self.fields, "present": False}


def account_of(company: Company, stamp: Stamp) -> PsaAccountObserved:
    return PsaAccountObserved(
        **stamp.fields, account_id=company.company_id, account_key=company.key, name=company.name, active=True
    )


def product_of(product: CatalogueItem, stamp: Stamp) -> ProductObserved:
    return ProductObserved(
        **stamp.fields,
        product_id=product.product_id,
        product_key=product.key,
        name=product.name,
        active=product.active,
    )


def line_of(line: PsaLine, stamp: Stamp) -> AgreementLineObserved:
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
    )


def line_named(line_id: str, stamp: Stamp) -> AgreementLineObserved:
    """Only its key: to look up what was last seen of the line."""
    return AgreementLineObserved.model_construct(**stamp.fields, line_id=line_id)
