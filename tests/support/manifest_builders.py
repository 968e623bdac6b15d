"""Builders of manifests: as billing has applied them, and as a sync service publishes them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from observation_builders import NOW, PSA, TENANT, VENDOR

from billing.usage.manifest import AppliedManifest
from billing.usage.ref import Ref, RefKind
from shared.contracts.base import Observation
from shared.contracts.manifest import AccountRead, ItemSpan, ListingExtent, ThingRead, UnreadableThing
from shared.contracts.psa_sync import AgreementLineObserved, PsaAccountRead
from shared.contracts.vendor_sync import SubscriptionObserved, SubscriptionStatus, VendorAccountRead

READ_AT = NOW - timedelta(hours=1)
"""When the builders' accounts were read."""
LISTED = 1_000
"""Their listing's revision: above those of the builders' observations."""

Counted = SubscriptionObserved | AgreementLineObserved
"""The observations that a manifest names."""

ACME = Ref(RefKind.VENDOR_ACCOUNT, VENDOR, "acme")
BETA = Ref(RefKind.VENDOR_ACCOUNT, VENDOR, "beta")
CO1 = Ref(RefKind.PSA_ACCOUNT, PSA, "co1")


def a_manifest(account: Ref = ACME, **more: Any) -> AppliedManifest:
    """A manifest by which everything has long been as it is named."""
    known: dict[str, Any] = {
        "run_id": "run-1",
        "generation": 1,
        "revision": LISTED + 1,
        "parts": 1,
        "listing": ListingExtent.WHOLE,
        "listed_revision": LISTED,
        "read_from": READ_AT,
    }
    return AppliedManifest(account, **(known | more))


def a_span(item: str = "svc1", known_from: int = 1, known_until: int = LISTED, **more: Any) -> ItemSpan:
    return ItemSpan(item_id=item, known_from=known_from, known_until=known_until, **more)


def spans(*of_items: ItemSpan) -> dict[str, ItemSpan]:
    return {span.item_id: span for span in of_items}


def an_account_read(
    account: Ref = ACME,
    things: Iterable[Counted] = (),
    *,
    revision: int = LISTED + 1,
    unreadable: Iterable[str] = (),
    read_at: datetime = READ_AT,
    **more: Any,
) -> AccountRead:
    """The manifest that names these observations, each read last just before the manifest."""
    kind = VendorAccountRead if account.kind is RefKind.VENDOR_ACCOUNT else PsaAccountRead
    known: dict[str, Any] = {
        "tenant_id": TENANT,
        "integration_id": account.integration_id,
        "account_id": account.id,
        "run_id": "run-1",
        "generation": 1,
        "revision": revision,
        "nth": 1,
        "part": 1,
        "parts": 1,
        "things": tuple(
            ThingRead(id=thing_id_of(one), revision=one.revision, read_revision=revision - 1, read_at=read_at)
            for one in things
        ),
        "unreadable": tuple(UnreadableThing(id=id_, reason="answered 403") for id_ in unreadable),
        "listing": ListingExtent.WHOLE,
        "listed_revision": revision - 1,
        "read_from": read_at,
        "read_until": read_at,
    }
    return kind(**(known | more))


def account_reads(
    observations: Iterable[Observation], accounts: Iterable[Ref] = (), **more: Any
) -> list[AccountRead]:
    """A manifest of each of these accounts, and of each that one of the observations is of.

    It names the newest state of each thing that has not ended, and counts those that have.
    """
    newest: dict[str, Counted] = {}
    items: dict[str, set[str]] = {}
    for one in observations:
        if isinstance(one, Counted):
            known = newest.get(one.key)
            newest[one.key] = one if known is None or known.revision < one.revision else known
            items.setdefault(one.key, set()).update(_items_of(one))
    by_account: dict[Ref, list[Counted]] = {account: [] for account in accounts}
    for one in newest.values():
        by_account.setdefault(account_ref(one), []).append(one)
    return [
        an_account_read(
            account,
            [one for one in of_account if not _has_ended(one)],
            **({"spans": tuple(_ended_spans(of_account, items))} | _tenant_of(of_account) | more),
        )
        for account, of_account in by_account.items()
    ]


def _tenant_of(of_account: list[Counted]) -> dict[str, Any]:
    return {"tenant_id": of_account[0].tenant_id} if of_account else {}


def _has_ended(one: Counted) -> bool:
    if isinstance(one, AgreementLineObserved):
        return not one.present
    return not one.present or one.status in (SubscriptionStatus.TERMINATED, SubscriptionStatus.REMOVED)


def _ended_spans(of_account: Iterable[Counted], items: Mapping[str, Iterable[str]]) -> Iterable[ItemSpan]:
    ended = Counter(item for one in of_account if _has_ended(one) for item in items[one.key])
    return (a_span(item, ended=count, last_ended_at=READ_AT) for item, count in ended.items())


def _items_of(one: Counted) -> Iterable[str]:
    if isinstance(one, AgreementLineObserved):
        return [one.product_id]
    return [line.service_id for line in one.lines]


def account_ref(observed: Counted) -> Ref:
    vendor = isinstance(observed, SubscriptionObserved)
    kind = RefKind.VENDOR_ACCOUNT if vendor else RefKind.PSA_ACCOUNT
    return Ref(kind, observed.integration_id, observed.account_id)


def thing_id_of(observed: Counted) -> str:
    return observed.subscription_id if isinstance(observed, SubscriptionObserved) else observed.line_id
