"""The input of a calculation: accounts that are calculated together, and what is known of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from billing.usage.calendar import TenantCalendar
from billing.usage.manifest import AppliedManifest, EffectiveThing, Manifests
from billing.usage.ref import Ref, billed_as, mapped_from
from billing.usage.shares import Share, shares_of
from billing.usage.subscription import SubscriptionState
from shared.contracts.auth import IntegrationChanged, IntegrationSettings, IntegrationStatus
from shared.contracts.matcher import MappingDecided, MappingDecision
from shared.contracts.psa_sync import AgreementLineObserved

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
    pending: bool = False
    """Whether its mapping is not finished: then it adds nothing to a number that can be approved."""
    hold_billable: bool = _DEFAULTS.hold_billable
    """Whether a subscription on hold counts."""
    freshness: timedelta = _DEFAULTS.freshness
    """The age from which a number is stale."""

    @classmethod
    def of(cls, integration: IntegrationChanged) -> Self:
        settings, status = integration.settings, integration.status
        connected, pending = status is not IntegrationStatus.DISCONNECTED, status is IntegrationStatus.PENDING
        return cls(connected, pending, settings.hold_billable, settings.freshness)


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
    """The vendor services of which something is billed as a PSA product."""
    rules: IntegrationRules = field(default_factory=IntegrationRules)
    names: Mapping[Ref, DisplayName] = field(default_factory=dict)
    doubted: Collection[tuple[str, str]] = ()
    """Integration and run id of the runs whose numbers do not count, for a person must look first."""

    @classmethod
    def of(
        cls,
        service_mappings: Iterable[MappingDecided],
        integrations: Iterable[IntegrationChanged],
        names: Mapping[Ref, DisplayName] | None = None,
        doubted: Collection[tuple[str, str]] = (),
    ) -> Self:
        """Sorts decisions on vendor services by service and by product; revoked ones are left out."""
        services: dict[Ref, MappingDecided] = {}
        products: dict[Ref, list[MappingDecided]] = {}
        for mapping in filter(unless_revoked, service_mappings):
            services[mapped_from(mapping)] = mapping
            if mapping.decision is MappingDecision.APPROVED:
                for product in billed_as(mapping):
                    products.setdefault(product, []).append(mapping)
        rules = IntegrationRules({one.integration_id: IntegrationRule.of(one) for one in integrations})
        return cls(services, products, rules, names or {}, doubted)

    def doubts(self, manifest: AppliedManifest) -> bool:
        """Whether the manifest is of a run whose numbers do not count."""
        return (manifest.account.integration_id, manifest.run_id) in self.doubted


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
    manifests: Manifests = field(default_factory=dict)
    """Of the accounts of both sides."""
    subscriptions: Sequence[EffectiveThing[SubscriptionState]] = ()
    agreement_lines: Sequence[EffectiveThing[AgreementLineObserved]] = ()
    context: TenantContext = field(default_factory=TenantContext)
    read_backs: Mapping[str, AgreementLineObserved | None] = field(default_factory=dict)
    """What the PSA account's manifest says of each line (id) that a newer read-back of ours states."""

    @property
    def all_accounts(self) -> list[Ref]:
        """Those of both sides."""
        psa_accounts = [self.psa_account] if self.psa_account else []
        return psa_accounts + [account.ref for account in self.accounts]

    @property
    def psa_manifest(self) -> AppliedManifest | None:
        """What the PSA account was last read to hold; None before any complete reading."""
        return self.manifests.get(self.psa_account) if self.psa_account else None

    def previews(self, vendor_integration_id: str) -> bool:
        """Whether what this integration sells only *would* add to numbers that can be approved.

        So it is until its mapping is finished, in a PSA that is in use already: a second spelling of one
        marketplace would double every number.
        """
        if self.psa_account is None or self.context.rules[self.psa_account.integration_id].pending:
            return False
        return self.context.rules[vendor_integration_id].pending

    def shares_in(self, product: Ref) -> list[Share]:
        """What is taken for a product of services whose items this group may have.

        An override concerns the group of its account alone: elsewhere its product is none that is mapped.
        """
        return [
            share
            for mapping in self.context.products.get(product, ())
            for share in shares_of(mapping)
            if share.product == product
            and (not share.is_override or any(share.selects(one.ref) for one in self.accounts))
        ]

    @property
    def row_count(self) -> int:
        """How many subscriptions and agreement lines the group holds."""
        return len(self.subscriptions) + len(self.agreement_lines)


def unless_revoked(mapping: MappingDecided | None) -> MappingDecided | None:
    """The decision itself; None for a revoked one, which counts as never made."""
    return None if mapping is None or mapping.decision is MappingDecision.REVOKED else mapping
