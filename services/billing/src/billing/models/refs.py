"""Refs: short names of what news is about, so that only the lines concerned are reconciled again.

`v:` a vendor account, `p:` a PSA account, `s:` a vendor service, `d:` a PSA product, `i:` an integration;
each followed by its ids, percent-encoded.
"""

from functools import singledispatch

from shared.contracts import Message, psa_sync, vendor_sync
from shared.contracts.auth import IntegrationChanged
from shared.contracts.base import key_of
from shared.contracts.matcher import MappingDecided, MappingKind


def vendor_account(integration_id: str, account_id: str) -> str:
    return key_of("v", integration_id, account_id)


def psa_account(integration_id: str, account_id: str) -> str:
    return key_of("p", integration_id, account_id)


def service(integration_id: str, service_id: str) -> str:
    return key_of("s", integration_id, service_id)


def product(integration_id: str, product_id: str) -> str:
    return key_of("d", integration_id, product_id)


def integration(integration_id: str) -> str:
    return key_of("i", integration_id)


@singledispatch
def touched_by(message: Message) -> tuple[str, ...]:
    """What a piece of news is about; raises `TypeError` for a kind that billing does not keep."""
    raise TypeError(f"{type(message).__name__} touches nothing that billing knows")


@touched_by.register
def _(message: vendor_sync.AccountObserved) -> tuple[str, ...]:
    return (vendor_account(message.integration_id, message.account_id),)


@touched_by.register
def _(message: vendor_sync.SubscriptionObserved) -> tuple[str, ...]:
    return (vendor_account(message.integration_id, message.account_id),)


@touched_by.register
def _(message: vendor_sync.ServiceObserved) -> tuple[str, ...]:
    return (service(message.integration_id, message.service_id),)


@touched_by.register
def _(message: psa_sync.AccountObserved) -> tuple[str, ...]:
    return (psa_account(message.integration_id, message.account_id),)


@touched_by.register
def _(message: psa_sync.AgreementLineObserved) -> tuple[str, ...]:
    return (psa_account(message.integration_id, message.account_id),)


@touched_by.register
def _(message: psa_sync.ProductObserved) -> tuple[str, ...]:
    return (product(message.integration_id, message.product_id),)


@touched_by.register
def _(message: IntegrationChanged) -> tuple[str, ...]:
    return (integration(message.integration_id),)


@touched_by.register
def _(message: MappingDecided) -> tuple[str, ...]:
    """What it maps and what it maps to; what it mapped to before is found by the lines that name it."""
    return tuple(ref for ref in (mapped_from(message), mapped_to(message)) if ref)


def mapped_from(mapping: MappingDecided) -> str:
    name = vendor_account if mapping.kind is MappingKind.ACCOUNT else service
    return name(mapping.vendor_integration_id, mapping.vendor_id)


def mapped_to(mapping: MappingDecided) -> str | None:
    if mapping.psa_integration_id is None or mapping.psa_id is None:
        return None
    name = psa_account if mapping.kind is MappingKind.ACCOUNT else product
    return name(mapping.psa_integration_id, mapping.psa_id)
