"""Lets manifests take effect, account by account, as soon as everything that they name is stored."""

# Invariant: see `billing.observations.manifests`. Each step starts from what is stored, and may be repeated:
# killed anywhere, the parts still wait, and the next step finds them.

from collections.abc import Callable, Collection, Mapping

import structlog

from billing.observations.manifests import (
    NOTHING_NEW,
    ManifestDecision,
    ReceivedManifest,
    decide_manifests,
)
from billing.observations.ports import (
    AppliedManifests,
    ArrivingNews,
    IntegrationGenerations,
    ManifestStore,
    RejectedRuns,
)
from billing.usage.manifest import AppliedManifest
from billing.usage.ref import Ref

log = structlog.get_logger()

_PARTS_PER_STEP = 400
_ACCOUNTS_PER_TRANSACTION = 100


class ManifestApplier:
    """Applies manifests that wait."""

    def __init__(
        self,
        store: ManifestStore,
        applied: AppliedManifests,
        integrations: IntegrationGenerations,
        arriving: ArrivingNews,
        *,
        rejections: RejectedRuns,
        wake: Callable[[], None],
    ) -> None:
        """`wake` tells the reconciler that there is work."""
        self._store, self._applied, self._integrations = store, applied, integrations
        self._arriving, self._rejections, self._wake = arriving, rejections, wake

    async def step(self) -> bool:
        """Applies what is due; tells whether anything was."""
        due = await self._store.due_accounts(_PARTS_PER_STEP)
        for tenant_id, accounts in due.items():
            ordered = sorted(accounts)
            for start in range(0, len(ordered), _ACCOUNTS_PER_TRANSACTION):
                await self._apply(tenant_id, ordered[start : start + _ACCOUNTS_PER_TRANSACTION])
        return bool(due)

    async def _apply(self, tenant_id: str, accounts: Collection[Ref]) -> None:
        received = await self._store.received(tenant_id, accounts)
        current = await self._applied.of_accounts(tenant_id, accounts)
        named = await self._applied.things(tenant_id, current.values())
        statements = {
            account: {(thing.id, thing.revision) for thing in of_one} for account, of_one in named.items()
        }
        stored = {account: of_one for account, of_one in statements.items() if not current[account].went_back}
        known = await self._store.look_up(tenant_id, _new_statements(received, stored))
        generations = await self._integrations.generations(tenant_id)
        rejected = await self._rejections.rejected(tenant_id)
        decisions = {
            account: decide_manifests(
                manifests,
                current.get(account),
                generation=generations.get(account.integration_id, 0),
                known=known.get(account, NOTHING_NEW),
                rejected={
                    run_id for integration_id, run_id in rejected if integration_id == account.integration_id
                },
            )
            for account, manifests in received.items()
            if manifests
        }
        changed = _changed(decisions, current, statements)
        effective = {
            account: decision.effective.revision
            for account, decision in decisions.items()
            if decision.effective
        }
        if effective or any(decision.overtaken for decision in decisions.values()):
            await self._store.apply(tenant_id, decisions, changed)
            log.info("manifests_applied", tenant_id=tenant_id, accounts=len(effective), changed=len(changed))
        waiting = [part for decision in decisions.values() for one in decision.waiting for part in one.parts]
        await self._store.put_off(tenant_id, waiting)
        await self._arriving.forget_older(tenant_id, effective)
        if changed:
            self._wake()


def _new_statements(
    received: Mapping[Ref, Collection[ReceivedManifest]], known: Mapping[Ref, Collection[tuple[str, int]]]
) -> dict[Ref, set[tuple[str, int]]]:
    """What the manifests name and those that count do not: what counts is stored.

    Of an account whose sync service went back all is looked at, until it names nothing that is outdated.
    """
    return {
        account: {statement for one in manifests for statement in one.statements.items()}
        - {*known.get(account, ())}
        for account, manifests in received.items()
    }


def _changed(
    decisions: Mapping[Ref, ManifestDecision],
    current: Mapping[Ref, AppliedManifest],
    statements: Mapping[Ref, Collection[tuple[str, int]]],
) -> set[Ref]:
    """The accounts whose numbers the effective manifests change; ages alone store no line."""
    return {
        account
        for account, decision in decisions.items()
        if decision.effective
        and decision.effective.changes_numbers(current.get(account), dict(statements.get(account, ())))
    }
