"""The input of a calculation: accounts that are calculated together, and what is known of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from billing.usage.calendar import TenantCalendar
from billing.usage.coverage import Coverages, ObservedState
from billing.usage.ref import Ref, mapped_from, mapped_to
from shared.contracts.auth import IntegrationChanged, IntegrationSettings, IntegrationStatus
from shared.contracts.matcher import MappingDecided, MappingDecision
from shared.contracts.psa_sync import AgreementLineObserved
from shared.contracts.vendor_sync import SubscriptionObserved

_DEFAULTS = IntegrationSettings()


@dataclass(frozen=True, slots=True)
class DisplayName:
    """What people call a thing, and the key that they search it by."""

    name: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class IntegrationRule:
    """How the numbers of one integration are judged, by its settings and status."""

    connected: bool = True
    hold_billable: bool = _DEFAULTS.hold_billable
    """Whether a subscription on hold counts."""
    freshness: timedelta = _DEFAULTS.freshness
    """The age from which a number is stale."""

    @classmethod
    def of(cls, integration: IntegrationChanged) -> Self:
        settings = integration.settings
        connected = integration.status is not IntegrationStatus.DISCONNECTED
        return cls(connected, settings.hold_billable, settings.freshness)


class IntegrationRules(dict[str, IntegrationRule]):
    """Rules by integration id; an unknown integration counts as connected, with the default settings."""

    def __missing__(self, integration_id: str) -> IntegrationRule:
        return IntegrationRule()


@dataclass(frozen=True, slots=True)
class TenantContext:
    """What all account groups of a tenant share."""

    services: Mapping[Ref, MappingDecided] = field(default_factory=dict)
    """The decision on each vendor service; a service without one, or with a revoked one, is left out."""
    products: Mapping[Ref, Sequence[MappingDecided]] = field(default_factory=dict)
    """The vendor services that are mapped to a PSA product."""
    rules: IntegrationRules = field(default_factory=IntegrationRules)
    coverages: Coverages = field(default_factory=Coverages)
    names: Mapping[Ref, DisplayName] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        service_mappings: Iterable[MappingDecided],
        integrations: Iterable[IntegrationChanged],
        coverages: Coverages,
        names: Mapping[Ref, DisplayName] | None = None,
    ) -> Self:
        """Sorts decisions on vendor services by service and by product; revoked ones are left out."""
        services: dict[Ref, MappingDecided] = {}
        products: dict[Ref, list[MappingDecided]] = {}
        for mapping in filter(unless_revoked, service_mappings):
            services[mapped_from(mapping)] = mapping
            product = mapped_to(mapping)
            if product and mapping.decision is MappingDecision.APPROVED:
                products.setdefault(product, []).append(mapping)
        rules = IntegrationRules({one.integration_id: IntegrationRule.of(one) for one in integrations})
        return cls(services, products, rules, coverages, names or {})


@dataclass(frozen=True, slots=True)
class VendorAccount:
    """A vendor account with the mapping decision on it; None while there is none."""

    ref: Ref
    mapping: MappingDecided | None = None


@dataclass(frozen=True, slots=True)
class AccountGroup:
    """A PSA account with all vendor accounts mapped to it, or one vendor account that is mapped to none."""

    tenant: TenantCalendar
    accounts: tuple[VendorAccount, ...]
    psa_account: Ref | None = None
    subscriptions: Sequence[ObservedState[SubscriptionObserved]] = ()
    agreement_lines: Sequence[ObservedState[AgreementLineObserved]] = ()
    context: TenantContext = field(default_factory=TenantContext)

    @property
    def row_count(self) -> int:
        """How many subscriptions and agreement lines the group holds."""
        return len(self.subscriptions) + len(self.agreement_lines)


def unless_revoked(mapping: MappingDecided | None) -> MappingDecided | None:
    """The decision itself; None for a revoked one, which counts as never made."""
    return None if mapping is None or mapping.decision is MappingDecision.REVOKED else mapping
