"""Every message that crosses a service boundary; one class, one topic."""

from shared.contracts import auth, billing, matcher, psa_sync, vendor_sync
from shared.contracts.base import Command, Event, Message, Observation, State

MESSAGES: tuple[type[Message], ...] = (
    auth.IntegrationConnected,
    auth.IntegrationChanged,
    vendor_sync.VendorAccountObserved,
    vendor_sync.ServiceObserved,
    vendor_sync.SubscriptionObserved,
    vendor_sync.VendorAccountRead,
    vendor_sync.VendorRunFinished,
    vendor_sync.VendorCredentialsRejected,
    vendor_sync.SyncVendor,
    psa_sync.PsaAccountObserved,
    psa_sync.ProductObserved,
    psa_sync.AgreementLineObserved,
    psa_sync.PsaAccountRead,
    psa_sync.PsaRunFinished,
    psa_sync.PsaCredentialsRejected,
    psa_sync.SyncPsa,
    psa_sync.WriteQuantity,
    psa_sync.CancelWrite,
    psa_sync.QuantityWritten,
    psa_sync.QuantityRefused,
    matcher.MappingDecided,
    matcher.MappingsProposed,
    matcher.ProposalRefused,
    matcher.MappingFinished,
    matcher.MatchingSettingsChanged,
    billing.UsageLineChanged,
    billing.ApprovalRecorded,
    billing.ReconciliationCompleted,
)

__all__ = ["MESSAGES", "Command", "Event", "Message", "Observation", "State"]
