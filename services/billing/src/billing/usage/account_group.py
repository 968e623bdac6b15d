"""What one reconciliation looks at: accounts that belong together, and what is known of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from billing.usage import refs
from billing.usage.calendar import TenantCalendar
from billing.usage.coverage import NOTHING_READ, Coverage, ObservedState
from shared.contracts.auth import IntegrationChanged, IntegrationSettings, IntegrationStatus
from shared.contracts.matcher import MappingDecided, MappingDecision
from shared.contracts.psa_sync import AgreementLineObserved
from shared.contracts.vendor_sync import SubscriptionObserved


@dataclass(frozen=True, slots=True)
class DisplayName:
    """What people call a thing, and the key they search it by."""

    name: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class TenantContext:
    """What a tenant's scopes share."""

    services: Mapping[str, MappingDecided] = field(default_factory=dict)
    """Decisions on vendor services, by their refs."""
    products: Mapping[str, Sequence[MappingDecided]] = field(default_factory=dict)
    """The services that are mapped to a PSA product, by its ref."""
    integrations: Mapping[str, IntegrationChanged] = field(default_factory=dict)
    coverages: Mapping[str, Coverage] = field(default_factory=dict)
    names: Mapping[str, DisplayName] = field(default_factory=dict)

    def coverage(self, integration_id: str) -> Coverage:
        return self.coverages.get(integration_id, NOTHING_READ)

    def settings(self, integration_id: str) -> IntegrationSettings:
        known = self.integrations.get(integration_id)
        return known.settings if known else IntegrationSettings()

    def fresh_until(self, integration_id: str, as_of: datetime) -> datetime:
        """From this moment on a figure of that age is stale."""
        return as_of + self.settings(integration_id).freshness

    def disconnected(self, integration_id: str) -> bool:
        known = self.integrations.get(integration_id)
        return known is not None and known.status is IntegrationStatus.DISCONNECTED

    def service(self, integration_id: str, service_id: str) -> MappingDecided | None:
        """The decision that stands on a vendor service; None when there is none, or it was revoked."""
        return standing(self.services.get(refs.service(integration_id, service_id)))

    def name(self, ref: str) -> DisplayName | None:
        return self.names.get(ref)


@dataclass(frozen=True, slots=True)
class VendorAccount:
    """A vendor account with the decision that stands on it."""

    integration_id: str
    account_id: str
    mapping: MappingDecided | None = None

    @property
    def ref(self) -> str:
        return refs.vendor_account(self.integration_id, self.account_id)


@dataclass(frozen=True, slots=True)
class PsaAccount:
    """The PSA account that a scope's vendor accounts are mapped to."""

    integration_id: str
    account_id: str

    @property
    def ref(self) -> str:
        return refs.psa_account(self.integration_id, self.account_id)


@dataclass(frozen=True, slots=True)
class AccountGroup:
    """A PSA account with all vendor accounts mapped to it, or one vendor account that has none."""

    tenant: TenantCalendar
    accounts: tuple[VendorAccount, ...]
    psa: PsaAccount | None = None
    subscriptions: Sequence[ObservedState[SubscriptionObserved]] = ()
    agreement_lines: Sequence[ObservedState[AgreementLineObserved]] = ()
    knowledge: TenantContext = field(default_factory=TenantContext)

    @property
    def ref(self) -> str:
        return self.psa.ref if self.psa else self.accounts[0].ref

    @property
    def rows(self) -> int:
        """How much it is to look at."""
        return len(self.subscriptions) + len(self.agreement_lines)


def by_product(services: Iterable[MappingDecided]) -> dict[str, list[MappingDecided]]:
    """Group the decisions that stand by the PSA product that they map to."""
    products: dict[str, list[MappingDecided]] = {}
    for mapping in services:
        ref = refs.mapped_to(mapping)
        if ref and mapping.decision is MappingDecision.APPROVED:
            products.setdefault(ref, []).append(mapping)
    return products


def standing(mapping: MappingDecided | None) -> MappingDecided | None:
    return None if mapping is None or mapping.decision is MappingDecision.REVOKED else mapping
