"""Lets manifests take effect, account by account, as soon as everything that they name is stored."""

# Invariant: see `billing.observations.manifests`. Each step starts from what is stored, and may be repeated:
# killed anywhere, the parts still wait, and the next step finds them. The run of a manifest is judged before
# the manifest counts, and the judgement is stored with it: no number counts that nobody believes.

from collections.abc import Callable, Collection, Mapping

import structlog

from billing.observations.manifest_parts import ReceivedManifest
from billing.observations.manifests import NOTHING_NEW, ManifestDecision, decide_manifests
from billing.observations.ports import (
    AppliedManifests,
    ArrivingNews,
    IntegrationGenerations,
    ManifestStore,
    RunJudge,
)
from billing.usage.manifest import AppliedManifest
from billing.usage.manifest_reader import manifest_of
from billing.usage.ref import Ref
from shared.runtime.attempt import attempt

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
        judge: RunJudge,
        wake: Callable[[], None],
    ) -> None:
        """`wake` tells the reconciler that there is work."""
        self._store, self._applied, self._integrations = store, applied, integrations
        self._arriving, self._judge, self._wake = arriving, judge, wake

    async def step(self) -> bool:
        """Applies what is due; tells whether anything was.

        A tenant whose manifests cannot be applied holds up no other; the first error is raised at the end.
        """
        due, failures = await self._store.due_accounts(_PARTS_PER_STEP), list[Exception]()
        for tenant_id, accounts in due.items():
            ordered = sorted(accounts)
            for start in range(0, len(ordered), _ACCOUNTS_PER_TRANSACTION):
                outcome = await attempt(
                    self._apply(tenant_id, ordered[start : start + _ACCOUNTS_PER_TRANSACTION])
                )
                if isinstance(outcome, Exception):
                    log.warning("manifests_not_applied", tenant_id=tenant_id, error=repr(outcome))
                    failures.append(outcome)
        if failures:
            raise failures[0]
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
        rejected = await self._judge.rejected(tenant_id)
        decisions = {
            account: decide_manifests(
                manifests,
                current.get(account),
                generation=generations.get(account.integration_id),
                known=known.get(account, NOTHING_NEW),
                rejected={
                    run_id for integration_id, run_id in rejected if integration_id == account.integration_id
                },
            )
            for account, manifests in received.items()
            if manifests
        }
        doubted = await self._judge.doubted(tenant_id)
        changed = _changed(decisions, current, statements, doubted)
        judgement = await self._judge.judge(tenant_id, _effective(decisions, changed), doubted)
        effective = {account: one.effective.revision for account, one in decisions.items() if one.effective}
        if effective or any(decision.overtaken or decision.in_vain for decision in decisions.values()):
            await self._store.apply(tenant_id, decisions, changed, judgement)
            log.info("manifests_applied", tenant_id=tenant_id, accounts=len(effective), changed=len(changed))
            _log_refusals(tenant_id, decisions)
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
        account: {statement for one in manifests if one.is_complete for statement in one.statements.items()}
        - {*known.get(account, ())}
        for account, manifests in received.items()
    }


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
    statements: Mapping[Ref, Collection[tuple[str, int]]],
    doubted: Collection[tuple[str, str]],
) -> set[Ref]:
    """The accounts whose numbers the effective manifests change; ages alone store no line.

    What follows a run that nobody believed changes them also where it says the same.
    """
    in_doubt = {
        account
        for account, manifest in current.items()
        if (account.integration_id, manifest.run_id) in doubted
    }
    return {
        account
        for account, decision in decisions.items()
        if decision.effective
        and (
            account in in_doubt
            or decision.effective.changes_numbers(current.get(account), dict(statements.get(account, ())))
        )
    }
