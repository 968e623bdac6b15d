"""Lets manifests take effect, account by account, as soon as everything that they name is stored."""

# Invariant: see `billing.observations.manifests`. Each step starts from what is stored, and may be repeated:
# killed anywhere, the parts still wait, and the next step finds them. The run of a manifest is judged before
# the manifest counts, and the judgement is stored with it: no number counts that nobody believes.

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import structlog

from billing.observations.manifest_news import compared_manifests, lines_read_back, new_statements
from billing.observations.manifests import (
    NOTHING_NEW,
    ManifestDecision,
    ManifestSnapshot,
    decide_manifests,
)
from billing.observations.ports import (
    AppliedManifests,
    IntegrationGenerations,
    ManifestStore,
    RunJudge,
)
from billing.usage.manifest import AppliedManifest
from billing.usage.manifest_reader import NamedThing, manifest_of
from billing.usage.ref import Ref
from shared.errors import PermanentError
from shared.runtime.attempt import attempt
from shared.work_queue import WorkItem

log = structlog.get_logger()

_ACCOUNTS_PER_TRANSACTION = 100


class ManifestApplier:
    """Applies manifests that wait."""

    def __init__(
        self,
        store: ManifestStore,
        applied: AppliedManifests,
        integrations: IntegrationGenerations,
        *,
        judge: RunJudge,
        wake: Callable[[], None],
    ) -> None:
        """`wake` tells the reconciler that there is work."""
        self._store, self._applied, self._integrations = store, applied, integrations
        self._judge, self._wake = judge, wake

    async def step(self) -> bool:
        """Applies what is due; tells whether anything was.

        A tenant whose manifests cannot be applied holds up no other; the first error is raised at the end.
        """
        due, failures = await self._store.due(), list[Exception]()
        for tenant_id, items in due.items():
            for batch in _batches(items):
                outcome = await attempt(self._apply(tenant_id, batch))
                if isinstance(outcome, Exception):
                    log.warning("manifests_not_applied", tenant_id=tenant_id, error=repr(outcome))
                    failures.append(outcome)
        if failures:
            raise failures[0]
        return bool(due)

    async def _apply(self, tenant_id: str, items: Sequence[WorkItem]) -> None:
        accounts = {Ref.decode(key) for item in items for key in item.keys}
        snapshot = await self._store.snapshot(tenant_id, accounts)
        named = await self._named(tenant_id, snapshot)
        read_back = lines_read_back(snapshot, named)
        decisions = await self._decide(tenant_id, snapshot, new_statements(snapshot, named, read_back))
        doubted = await self._judge.doubted(tenant_id)
        changed = _changed(decisions, snapshot.current, doubted, read_back)
        judgement = await self._judge.judge(tenant_id, _effective(decisions, changed), doubted)
        effective = sum(1 for decision in decisions.values() if decision.effective)
        if effective or any(decision.overtaken or decision.in_vain for decision in decisions.values()):
            if not await self._store.apply(
                tenant_id, decisions, changed, judgement, settled=snapshot.settled
            ):
                log.info("manifests_settled_elsewhere", tenant_id=tenant_id, accounts=effective)
                return  # they are still due: the next step finds them as the other replica has left them
            judgement.tell()
            log.info("manifests_applied", tenant_id=tenant_id, accounts=effective, changed=len(changed))
            _log_refusals(tenant_id, decisions)
        waiting = [account for account, decision in decisions.items() if decision.waiting]
        await self._store.settle(tenant_id, items, waiting)
        if changed:
            self._wake()

    async def _decide(
        self,
        tenant_id: str,
        snapshot: ManifestSnapshot,
        statements: Mapping[Ref, Collection[tuple[str, int]]],
    ) -> dict[Ref, ManifestDecision]:
        """Decides on all that has come; `statements` are those that must be looked for, by account."""
        known = await self._store.look_up(tenant_id, statements)
        generations = await self._integrations.generations(tenant_id)
        rejected = await self._judge.rejected(tenant_id)
        return {
            account: decide_manifests(
                manifests,
                snapshot.current.get(account),
                generation=generations.get(account.integration_id),
                known=known.get(account, NOTHING_NEW),
                rejected={
                    run_id for integration_id, run_id in rejected if integration_id == account.integration_id
                },
            )
            for account, manifests in snapshot.received.items()
        }

    async def _named(self, tenant_id: str, snapshot: ManifestSnapshot) -> Mapping[Ref, Sequence[NamedThing]]:
        """What the manifests name that count, where that matters; nothing if the store has lost parts of one.

        Then all that has come is looked for: what counts next replaces what was lost.
        """
        try:
            return await self._applied.things(tenant_id, compared_manifests(snapshot))
        except PermanentError:
            log.exception("manifest_parts_lost", tenant_id=tenant_id)
            return {}


def _batches(items: Iterable[WorkItem]) -> Iterator[list[WorkItem]]:
    """Items of so many accounts as one transaction takes."""
    batch, accounts = list[WorkItem](), 0
    for item in items:
        if batch and accounts + len(item.keys) > _ACCOUNTS_PER_TRANSACTION:
            yield batch
            batch, accounts = [], 0
        batch.append(item)
        accounts += len(item.keys)
    if batch:
        yield batch


def _log_refusals(tenant_id: str, decisions: Mapping[Ref, ManifestDecision]) -> None:
    for account, decision in decisions.items():
        for one, reason in decision.in_vain:
            log.error(
                "manifest_refused",
                tenant_id=tenant_id,
                account=account.encode(),
                run_id=one.run_id,
                revision=one.revision,
                reason=reason,
            )


def _effective(
    decisions: Mapping[Ref, ManifestDecision], accounts: Collection[Ref]
) -> dict[Ref, AppliedManifest]:
    """The manifests of these accounts that are about to count."""
    return {
        account: manifest_of(account.encode(), effective.header_fields)
        for account in accounts
        if (effective := decisions[account].effective)
    }


def _changed(
    decisions: Mapping[Ref, ManifestDecision],
    current: Mapping[Ref, AppliedManifest],
    doubted: Collection[tuple[str, str]],
    read_back: Collection[Ref],
) -> set[Ref]:
    """The accounts whose numbers the effective manifests change; ages alone store no line.

    What follows a run that nobody believed changes them also where it says the same; so does what may end
    that a line counts as it was `read_back`.
    """
    anyway = {*read_back} | {
        account
        for account, manifest in current.items()
        if (account.integration_id, manifest.run_id) in doubted
    }
    return {
        account
        for account, decision in decisions.items()
        if decision.effective
        and (account in anyway or decision.effective.changes_numbers(current.get(account)))
    }
