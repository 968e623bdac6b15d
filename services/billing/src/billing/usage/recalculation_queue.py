"""Queues what must be calculated again, each ref in the lane that its kind belongs to."""

# News of an account concerns that account; news of a service, a product or an integration may concern
# thousands, and finding them takes a look at the lines. So they wait in lanes of their own:
#
#   accounts   v:int:acme, p:int:co1                       calculated as they are
#   fan-out    s:int:svc1, i:int                           expanded to accounts first, then enqueued again
#   arrivals   v:int:acme [revision of its newest news]    noted, and not calculated

from collections.abc import Collection, Mapping
from datetime import datetime

from billing.usage.recalculation_request import ACCOUNTS, ARRIVALS, FAN_OUT, RecalculationRequest
from billing.usage.ref import Ref
from shared.mongo import Session
from shared.work_queue import WorkQueue


class RecalculationQueue(WorkQueue):
    """A work queue whose keys are refs, each in the lane that its kind belongs to."""

    async def enqueue_refs(
        self,
        tenant_id: str,
        refs: Collection[Ref],
        *,
        at: datetime | None = None,
        session: Session | None = None,
    ) -> None:
        """Adds refs, accounts to be calculated as they are and others to be expanded first."""
        accounts = [ref.encode() for ref in refs if ref.is_account]
        others = [ref.encode() for ref in refs if not ref.is_account]
        if accounts:
            await self.enqueue(tenant_id, ACCOUNTS, accounts, at=at, session=session)
        if others:
            await self.enqueue(tenant_id, FAN_OUT, others, at=at, session=session)

    async def enqueue_arrivals(self, tenant_id: str, revisions: Mapping[Ref, int]) -> None:
        """Adds accounts with the revision of their newest news."""
        keys = {account.encode(): [str(revision)] for account, revision in revisions.items()}
        if keys:
            await self.enqueue(tenant_id, ARRIVALS, keys)

    async def requeue_accounts_after(
        self, tenant_id: str, accounts: Collection[Ref], *, at: datetime, not_before: datetime
    ) -> None:
        """Adds accounts that failed, not to be read before `not_before`; `at` keeps their age."""
        keys = [account.encode() for account in accounts]
        await self.requeue_after(tenant_id, ACCOUNTS, keys, at=at, not_before=not_before)

    async def waiting_refs(self, tenant_id: str) -> set[Ref]:
        """Everything that waits to be calculated again or to be expanded first, in one read; delayed too."""
        lanes = {"lane": {"$in": [ACCOUNTS, FAN_OUT]}}
        rows = await self._rows(tenant_id).find(lanes, fields=["keys"])
        return {Ref.decode(key) for key in {key for row in rows for key in row["keys"]}}

    async def read_due_requests(
        self, tenant_id: str, lane: str, *, now: datetime, limit: int, skip: int = 0
    ) -> list[RecalculationRequest]:
        """The oldest requests of a lane that are due; they stay queued until they are completed."""
        requests = []
        for item in await self.read_due(tenant_id, lane=lane, now=now, limit=limit, skip=skip):
            refs = {key: Ref.decode(key) for key in item.keys}
            # An earlier build left ids of things here: such an arrival is not shown.
            arriving = {refs[key]: int(told[0]) for key, told in item.details.items() if told[0].isdecimal()}
            requests.append(RecalculationRequest(item.id, tuple(refs.values()), arriving, item.enqueued_at))
        return requests
