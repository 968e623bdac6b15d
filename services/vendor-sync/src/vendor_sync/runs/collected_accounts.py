"""Brings together what was read of each account: publishes its manifest, or says what is to be read again."""

# Invariant: an account is published by what is stored alone, so a worker that takes the run up comes to the
# same manifest. What is made due for the next collect is stored before the listing that it rests on: killed
# in between, the account is listed once more, and nothing that the list showed is forgotten.

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.sync_engine.account_manifest import AccountManifest, ItemRecord
from shared.sync_engine.manifest_records import ManifestRecord
from vendor_sync.runs.account_collect import (
    AccountCollect,
    AccountListing,
    CollectedAccount,
    CollectRules,
    NextMove,
    is_concerned,
)
from vendor_sync.runs.account_entries import AccountEntries
from vendor_sync.runs.account_list import ListedAccount, entries_to_add, entries_to_read
from vendor_sync.runs.detail_queue import DetailEntry, DetailState
from vendor_sync.runs.run_context import VendorRunContext

_NOTHING: Mapping[str, ItemRecord] = {}


@dataclass(frozen=True, slots=True)
class AccountVerdict:
    """What is to be done with an account that was read as far as it is due."""

    account_id: str
    move: NextMove
    concerned_items: frozenset[str] = frozenset()


@dataclass(slots=True)
class CollectedAccounts:
    """Looks at accounts for one step of one run."""

    vendor: VendorRunContext
    lists: AccountListing
    """The newest lists of all accounts."""
    rules: CollectRules
    collects: dict[str, AccountCollect]
    """Of the accounts that were collected more than once, or wait."""
    manifest_revisions: dict[str, int]
    """The revision of the newest manifest of each account that has one."""
    entries: AccountEntries
    together: Mapping[str, frozenset[str]]
    """The services that are billed together with a service, by its id."""
    published: int = 0
    _no_listing: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def of(cls, vendor: VendorRunContext, *, may_wait: bool) -> "CollectedAccounts":
        run, stores = vendor.run, vendor.stores
        can_list = await stores.collects.can_list_accounts(run)
        return cls(
            vendor,
            vendor.last_lists or vendor.first_lists,
            CollectRules(may_wait, can_list),
            await stores.collects.of_run(run),
            await stores.manifests.records.revisions(run),
            AccountEntries(vendor.queue, run),
            await stores.services.of_integration(run),
        )

    def collect_of(self, account_id: str) -> AccountCollect:
        """Returns how far the account is: it rests on the newest lists, its own or those of all accounts."""
        collect = self.collects.get(account_id)
        if collect is None:
            collect = AccountCollect(account_id, self.vendor.first_lists)
        return collect.after_lists(self.lists)

    async def look_at(self, account_ids: Sequence[str]) -> list[AccountVerdict]:
        """Publishes the accounts that are ready, and returns what is to be done with each."""
        now = self.vendor.context.clock()
        manifests, verdicts, collects = (
            list[AccountManifest](),
            list[AccountVerdict](),
            list[AccountCollect](),
        )
        for account in await self.load(account_ids):
            manifest = account.manifest(now)
            items = account.concerned_items(manifest, self.together)
            collect = account.collect
            rules = self.rules
            if collect.account_id in self._no_listing:
                rules = replace(rules, can_list=False)
            move = account.next_move(items, rules)
            verdicts.append(AccountVerdict(collect.account_id, move, items))
            if move is NextMove.WAIT:
                collects.append(
                    replace(
                        collect,
                        waits=True,
                        concerned_items=tuple(sorted(items)),
                        began_at=manifest.read_from,
                    )
                )
            elif move is NextMove.PUBLISH:
                manifests.append(manifest)
                if items and account.has_manifest:
                    why = self._no_listing.get(collect.account_id) or "it changed while it was read"
                    collects.append(replace(collect, trouble=why, began_at=manifest.read_from))
        await self._store_collects(collects)
        await self.publish(manifests)
        return verdicts

    async def publish(self, manifests: Sequence[AccountManifest]) -> None:
        """Publishes manifests together, each of another account."""
        revision = await self.vendor.stores.manifests.publish(self.vendor.context, manifests)
        self.manifest_revisions |= {manifest.account_id: revision for manifest in manifests}
        self.published += len(manifests)

    async def collect_again(
        self, account_id: str, concerned_items: frozenset[str], listed: ListedAccount | None
    ) -> None:
        """Makes due what the next collect has to read; `listed` is None when the lists at the end tell."""
        run, known_keys = self.vendor.run, set[str]()
        collect = self.collect_of(account_id)
        revision = self.manifest_revisions.get(account_id, 0)
        began_at = collect.began_at
        async for entries in self.entries.of([account_id]):
            changes = []
            for entry in entries:
                known_keys.add(entry.key)
                if entry.run_id == run.run_id and entry.state is DetailState.DONE and entry.read_at:
                    began_at = min(began_at or entry.read_at, entry.read_at)
                shown = entries_to_read([entry], listed, run_id=run.run_id) if listed else []
                if not shown and is_concerned(entry, concerned_items, revision):
                    shown = [entry.due_again(run.run_id)]
                changes += shown
            await self._replace(changes)
        if listed is None:
            return
        self.vendor.context.assert_lease()
        new = entries_to_add(known_keys, listed, run_id=run.run_id)
        await self.vendor.queue.insert(run, new)
        self.entries.note(account_id, [entry.key for entry in new])
        await self._store_collects(
            [
                replace(
                    collect,
                    listing=listed.listing,
                    collects=collect.collects + 1,
                    began_at=began_at,
                    waits=False,
                )
            ]
        )

    async def note_no_listing(self, account_id: str, why: str) -> None:
        """Notes that the account cannot be listed by itself; without a reason: that no account can."""
        if why:
            self._no_listing[account_id] = why
            return
        await self.vendor.stores.collects.note_no_account_lists(self.vendor.run)
        self.rules = replace(self.rules, can_list=False)

    async def load(self, account_ids: Sequence[str]) -> list[CollectedAccount]:
        """Returns accounts with all that is known of them."""
        run = self.vendor.run
        records = await self.vendor.stores.manifests.records.get_many(run, account_ids)
        accounts = {
            account_id: self._empty(account_id, records.get(account_id)) for account_id in account_ids
        }
        async for entries in self.entries.of(account_ids):
            for entry in entries:
                accounts[entry.account_id].add(entry)
        return [*accounts.values()]

    def _empty(self, account_id: str, record: ManifestRecord | None) -> CollectedAccount:
        return CollectedAccount(
            self.collect_of(account_id),
            run_id=self.vendor.run.run_id,
            manifest_revision=record.revision if record else 0,
            records=record.items if record else _NOTHING,
            listed_within=self.vendor.renewals_listed_within,
        )

    async def _replace(self, entries: Sequence[DetailEntry]) -> None:
        self.vendor.context.assert_lease()
        await self.vendor.queue.replace(self.vendor.run, entries)

    async def _store_collects(self, collects: Sequence[AccountCollect]) -> None:
        await self.vendor.stores.collects.put(self.vendor.run, collects)
        self.collects |= {collect.account_id: collect for collect in collects}
