"""Loads what a reconciliation calculates with: whole account groups, in a fixed number of reads."""

# A group is loaded whole or not at all: a sum over some of a PSA account's vendor accounts would be wrong. So
# from whatever accounts are asked for, mappings are followed both ways:
#
#   asked for acme   mapped to co1, and so is beta   → group {co1; acme, beta}
#   asked for zed    mapped to nothing               → group {zed}
#   asked for co2    nothing is mapped to it         → group {co2}: what it is billed for

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from billing.observations.effective_things import EffectiveThingReader, EffectiveThings
from billing.observations.repository import ALSO_BILLED_AS, HISTORY
from billing.reconciliation.ports import LoadedGroups
from billing.reconciliation.tenant_context import DoubtedRuns, TenantContextLoader
from billing.usage.account_group import AccountGroup, VendorAccount, unless_revoked
from billing.usage.calendar import TenantCalendar
from billing.usage.manifest import Manifests
from billing.usage.manifest_reader import HEADERS, ManifestReader
from billing.usage.ref import Ref, RefKind, mapped_from, mapped_to
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind
from shared.mongo import Mongo


@dataclass(frozen=True, slots=True)
class _GroupAccounts:
    """The vendor accounts of each PSA account, and those that are mapped to none."""

    mapped: Mapping[Ref, list[VendorAccount]]
    unmapped: Sequence[VendorAccount]

    @property
    def vendor_accounts(self) -> list[Ref]:
        return [account.ref for account in chain(*self.mapped.values(), self.unmapped)]


class AccountGroupLoader:
    """Reads across the collections of what was observed."""

    def __init__(self, mongo: Mongo, tenants: Mapping[str, TenantCalendar], runs: DoubtedRuns) -> None:
        self._mongo, self._tenants = mongo, tenants
        self._context, self._things = TenantContextLoader(mongo, runs), EffectiveThingReader(mongo)
        self._manifests = ManifestReader(mongo)

    async def load_groups(
        self,
        tenant_id: str,
        accounts: Collection[Ref],
        *,
        given: Manifests | None = None,
        proposed: MappingDecided | None = None,
    ) -> LoadedGroups:
        """The groups that these vendor and PSA accounts belong to, each once and whole.

        With manifests given, they are what they would be if these counted, and no others; with the mapping of
        a service proposed, what they would be if it had been decided. Raises
        `TransientError` when manifests are replaced meanwhile, and `PermanentError` for what the store lost.
        """
        members = await self._members(tenant_id, accounts)
        psa_accounts = [*members.mapped]
        if given is not None:
            wanted = {*members.vendor_accounts, *psa_accounts}
            given = {account: manifest for account, manifest in given.items() if account in wanted}
        things = await self._things.of_accounts(tenant_id, members.vendor_accounts, psa_accounts, given=given)
        named = _named_refs(members, things)
        context = await self._context.load(tenant_id, named, proposed=proposed)
        tenant = self._tenants.get(tenant_id, TenantCalendar(id=tenant_id))
        by_psa_account: list[tuple[Ref | None, list[VendorAccount]]] = [*members.mapped.items()]
        by_psa_account += [(None, [account]) for account in members.unmapped]
        groups = [
            AccountGroup(
                tenant,
                accounts=tuple(vendor_accounts),
                psa_account=psa_account,
                manifests=things.manifests,
                subscriptions=[
                    thing
                    for account in vendor_accounts
                    for thing in things.subscriptions.get(account.ref, ())
                ],
                agreement_lines=things.agreement_lines.get(psa_account, ()) if psa_account else (),
                context=context,
                read_backs=things.read_backs.get(psa_account, {}) if psa_account else {},
            )
            for psa_account, vendor_accounts in by_psa_account
        ]
        return LoadedGroups(groups, frozenset({*accounts, *members.mapped, *members.vendor_accounts}))

    async def overtaken_accounts(self, tenant_id: str, groups: Collection[AccountGroup]) -> set[Ref]:
        """The accounts of these groups whose manifest was replaced since they were loaded."""
        loaded = {
            account: manifest.revision if (manifest := group.manifests.get(account)) else None
            for group in groups
            for account in group.all_accounts
        }
        revisions = await self._manifests.revisions(tenant_id, loaded)
        return {account for account, revision in loaded.items() if revisions.get(account) != revision}

    async def group_accounts(self, tenant_id: str, accounts: Collection[Ref]) -> dict[Ref, frozenset[Ref]]:
        """All accounts of the group that each of these belongs to; reads mappings, and nothing else."""
        members = await self._members(tenant_id, accounts)
        groups = {account: frozenset({account}) for account in accounts}
        for psa_account, vendor_accounts in members.mapped.items():
            of_group = frozenset({psa_account, *(account.ref for account in vendor_accounts)})
            groups |= dict.fromkeys(of_group, of_group)
        return groups

    async def affected_accounts(self, tenant_id: str, refs: Collection[Ref]) -> set[Ref]:
        """The accounts that news of these services, products and integrations concerns."""
        things = {ref for ref in refs if ref.kind in (RefKind.VENDOR_SERVICE, RefKind.PSA_PRODUCT)}
        accounts = await self._accounts_with(tenant_id, things)
        for ref in refs:
            if ref.kind is RefKind.INTEGRATION:
                accounts |= await self._accounts_of_integration(tenant_id, ref.integration_id)
        return accounts

    async def _accounts_with(self, tenant_id: str, things: set[Ref]) -> set[Ref]:
        """Accounts with a line of these services and products, or ever billed for one of these products.

        What bills a product may have been read anew since, under another one or for another account: until a
        manifest names that reading, the line counts as it was, which is in the history.
        """
        services = {ref.encode() for ref in things if ref.kind is RefKind.VENDOR_SERVICE}
        products = {ref.encode() for ref in things if ref.kind is RefKind.PSA_PRODUCT}
        mappings = await self._mongo.documents("mappings", tenant_id).find_in("ref", services)
        products |= {row["mapped_to"] for row in mappings if row["mapped_to"]}
        products |= {product for row in mappings for product in row.get(ALSO_BILLED_AS, ())}
        lines = self._mongo.documents("usage_lines", tenant_id)
        billed = self._mongo.documents("agreement_lines", tenant_id)
        texts = await lines.distinct_in("scope", "wide", services | products)
        texts |= await billed.distinct_in("ref", "product_ref", products)
        texts |= await self._mongo.documents(HISTORY, tenant_id).distinct_in("ref", "product_ref", products)
        return {Ref.decode(text) for text in texts}

    async def _accounts_of_integration(self, tenant_id: str, integration_id: str) -> set[Ref]:
        """Accounts that were read there, or are mapped from it or to it."""
        mappings = self._mongo.documents("mappings", tenant_id)
        headers = self._mongo.documents(HEADERS, tenant_id)
        accounts = {"kind": MappingKind.ACCOUNT.value}
        approved = accounts | {"decision": MappingDecision.APPROVED.value}
        read = await headers.distinct("ref", {"integration_id": integration_id})
        mapped = await mappings.distinct("ref", accounts | {"vendor_integration_id": integration_id})
        billed = await mappings.distinct("mapped_to", approved | {"psa_integration_id": integration_id})
        return {Ref.decode(text) for text in (*read, *mapped, *billed)}

    async def _members(self, tenant_id: str, accounts: Collection[Ref]) -> _GroupAccounts:
        """Follows mappings both ways: from the vendor accounts, then to all PSA accounts concerned."""
        mappings = self._mongo.documents("mappings", tenant_id)
        vendor_accounts = {ref.encode(): ref for ref in accounts if ref.kind is RefKind.VENDOR_ACCOUNT}
        own = {
            vendor_accounts[row["ref"]]: MappingDecided.model_validate(row)
            for row in await mappings.find_in("ref", vendor_accounts)
        }
        targets = {account: target for account, mapping in own.items() if (target := _target_of(mapping))}
        psa_accounts = {ref for ref in accounts if ref.kind is RefKind.PSA_ACCOUNT} | {*targets.values()}
        mapped: dict[Ref, list[VendorAccount]] = {account: [] for account in psa_accounts}
        for row in await mappings.find_in("mapped_to", [ref.encode() for ref in psa_accounts]):
            mapping = MappingDecided.model_validate(row)
            if target := _target_of(mapping):
                mapped[target].append(VendorAccount(mapped_from(mapping), mapping))
        unmapped = [
            VendorAccount(account, unless_revoked(own.get(account)))
            for account in vendor_accounts.values()
            if account not in targets
        ]
        return _GroupAccounts(mapped, unmapped)


def _named_refs(members: _GroupAccounts, things: EffectiveThings) -> set[Ref]:
    """All accounts, services and products that a line may name."""
    refs = {*members.vendor_accounts, *members.mapped}
    for subscription in chain(*things.subscriptions.values()):
        observed = subscription.observed
        for line in observed.lines:
            refs.add(Ref(RefKind.VENDOR_SERVICE, observed.integration_id, line.service_id))
    stated = chain(*(of_account.values() for of_account in things.read_backs.values()))
    counted = (thing.observed for thing in chain(*things.agreement_lines.values()))
    for billed in chain(counted, filter(None, stated)):
        refs.add(Ref(RefKind.PSA_PRODUCT, billed.integration_id, billed.product_id))
    return refs


def _target_of(mapping: MappingDecided) -> Ref | None:
    """The PSA account that usage of a vendor account is billed to; None unless the mapping is approved."""
    return mapped_to(mapping) if mapping.decision is MappingDecision.APPROVED else None
