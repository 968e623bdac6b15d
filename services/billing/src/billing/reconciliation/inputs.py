"""Loads what a reconciliation looks at: whole scopes, in a fixed number of reads however many there are."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from billing.observations.account_subscriptions import AccountSubscriptions, Rows, by_ref
from billing.reconciliation.reconciler import LoadedGroups
from billing.reconciliation.tenant_context import TenantContextLoader
from billing.usage import refs
from billing.usage.account_group import AccountGroup, PsaAccount, VendorAccount
from billing.usage.calendar import TenantCalendar
from billing.usage.coverage import ObservedState
from shared.contracts.base import Observation
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind
from shared.contracts.psa_sync import AgreementLineObserved
from shared.contracts.vendor_sync import SubscriptionObserved
from shared.mongo import Document, Mongo

Seen = TypeVar("Seen", bound=Observation)

_APPROVED = {"kind": MappingKind.ACCOUNT.value, "decision": MappingDecision.APPROVED.value}


@dataclass(frozen=True, slots=True)
class _Accounts:
    """The vendor accounts of each PSA account, and those that have none; all by ref."""

    mapped: Mapping[str, list[VendorAccount]]
    loose: Sequence[VendorAccount]

    @property
    def refs(self) -> list[str]:
        return [one.ref for some in (*self.mapped.values(), self.loose) for one in some]


class AccountGroupLoader:
    """Reads across the collections of what was observed."""

    def __init__(self, mongo: Mongo, tenants: Mapping[str, TenantCalendar]) -> None:
        self._mongo, self._tenants = mongo, tenants
        self._knowledge, self._members = TenantContextLoader(mongo), AccountSubscriptions(mongo)

    async def join(self, tenant_id: str, members: Mapping[str, Collection[str]]) -> None:
        """Remember which subscriptions (keys) were told of under which account (ref)."""
        await self._members.join(tenant_id, members)

    async def around(self, tenant_id: str, accounts: Collection[str]) -> LoadedGroups:
        """The scopes that these vendor and PSA accounts (refs) belong to, each once and whole."""
        found = await self._accounts(tenant_id, accounts)
        subscriptions = await self._members.subscriptions(tenant_id, found.refs)
        lines = await self._agreement_lines(tenant_id, found.mapped)
        knowledge = await self._knowledge.of(tenant_id, _named(found, subscriptions, lines))
        tenant = self._tenants.get(tenant_id, TenantCalendar(id=tenant_id))
        scopes = [
            AccountGroup(
                tenant,
                tuple(some),
                PsaAccount(*refs.parsed(psa)[1:]) if psa else None,
                [_kept(row, SubscriptionObserved) for one in some for row in subscriptions[one.ref]],
                [_kept(row, AgreementLineObserved) for row in lines[psa]] if psa else (),
                knowledge,
            )
            for psa, some in [*found.mapped.items(), *(("", [one]) for one in found.loose)]
        ]
        return LoadedGroups(scopes, {*accounts, *found.mapped, *found.refs})

    async def near(self, tenant_id: str, touched: Collection[str]) -> set[str]:
        """The accounts (refs) that news of services, products and integrations concerns, with those named."""
        accounts = {ref for ref in touched if refs.is_account(ref)}
        named = await self._of_things(tenant_id, {ref for ref in touched if ref.startswith(("s:", "d:"))})
        for ref in touched:
            if ref.startswith("i:"):
                named |= await self._of_integration(tenant_id, refs.parsed(ref)[1])
        return accounts | named

    async def _of_things(self, tenant_id: str, things: set[str]) -> set[str]:
        """Whoever has a line of these services and products, or is billed for one of these products."""
        services = [ref for ref in things if ref.startswith("s:")]
        mapped = await self._mongo.documents("mappings", tenant_id).find_in("ref", services)
        concerned = things | {row["mapped_to"] for row in mapped if row["mapped_to"]}
        lines = self._mongo.documents("usage_lines", tenant_id)
        billed = self._mongo.documents("agreement_lines", tenant_id)
        products = [ref for ref in concerned if ref.startswith("d:")]
        return await lines.distinct_in("scope", "wide", concerned) | await billed.distinct_in(
            "ref", "product_ref", products
        )

    async def _of_integration(self, tenant_id: str, integration_id: str) -> set[str]:
        """Whoever has a subscription of it, or is mapped from it or to it."""
        mappings = self._mongo.documents("mappings", tenant_id)
        accounts = {"kind": MappingKind.ACCOUNT.value}
        bought = await self._members.accounts(tenant_id, integration_id)
        mapped = await mappings.distinct("ref", accounts | {"vendor_integration_id": integration_id})
        billed = await mappings.distinct("mapped_to", _APPROVED | {"psa_integration_id": integration_id})
        return {*bought, *mapped, *billed}

    async def _accounts(self, tenant_id: str, accounts: Collection[str]) -> _Accounts:
        """Account mappings both ways: from the vendor accounts, then to all PSA accounts concerned."""
        store = self._mongo.documents("mappings", tenant_id)
        vendor = [ref for ref in accounts if ref.startswith("v:")]
        own = {row["ref"]: _mapping(row) for row in await store.find_in("ref", vendor)}
        leads = {ref: refs.mapped_to(mapping) for ref, mapping in own.items() if _leads(mapping)}
        psas = {ref for ref in accounts if ref.startswith("p:")} | {ref for ref in leads.values() if ref}
        mapped: defaultdict[str, list[VendorAccount]] = defaultdict(list)
        for mapping in map(_mapping, await store.find_in("mapped_to", psas)):
            if _leads(mapping):
                mapped[refs.mapped_to(mapping) or ""].append(_account(refs.mapped_from(mapping), mapping))
        return _Accounts(mapped, [_account(ref, own.get(ref)) for ref in vendor if ref not in leads])

    async def _agreement_lines(self, tenant_id: str, psas: Iterable[str]) -> Rows:
        return by_ref(await self._mongo.documents("agreement_lines", tenant_id).find_in("ref", psas))


def _named(found: _Accounts, subscriptions: Rows, lines: Rows) -> set[str]:
    """Refs of all accounts, services and products that a line may name."""
    versions = [row for rows in subscriptions.values() for one in rows for row in (one, one["before"]) if row]
    sold = ((row["integration_id"], line["service_id"]) for row in versions for line in row["lines"])
    services = {refs.service(*place) for place in sold}
    billed = (row for rows in lines.values() for one in rows for row in (one, one["before"]) if row)
    products = {row["product_ref"] for row in billed}
    return {*found.refs, *found.mapped, *services, *products}


def _leads(mapping: MappingDecided) -> bool:
    return mapping.decision is MappingDecision.APPROVED and refs.mapped_to(mapping) is not None


def _mapping(row: Document) -> MappingDecided:
    return MappingDecided.model_validate(row)


def _account(ref: str, mapping: MappingDecided | None) -> VendorAccount:
    _, integration_id, account_id = refs.parsed(ref)
    return VendorAccount(integration_id, account_id, mapping)


def _kept(row: Document, kind: type[Seen]) -> ObservedState[Seen]:
    before = row["before"]
    return ObservedState(kind.model_validate(row), kind.model_validate(before) if before else None)
