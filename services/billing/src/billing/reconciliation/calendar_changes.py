"""Has the lines of a tenant calculated again whose currency or time zone the operator has set anew."""

# Invariant: a line is calculated with the calendar that its tenant has now. No news tells of a calendar, and
# a run that finds everything as it was calculates nothing: without this a line would keep the currency that
# it was calculated with, and every approval of it would be refused, for as long as nothing else of it
# changed.
#
#   stored: USD      started with EUR → all that is connected is enqueued, and EUR stored
#
# Replicas are started one after the other, and the last of the old ones may take the work: so each that
# starts soon after a change asks for it again.

from collections.abc import Iterable
from datetime import timedelta

from billing.observations.integrations import IntegrationDirectory
from billing.usage.calendar import TenantCalendar
from billing.usage.recalculation_queue import RecalculationQueue
from billing.usage.ref import Ref, RefKind
from shared.contracts.base import utc
from shared.mongo import Mongo, Session
from shared.runtime.clock import Clock, utc_now

_COLLECTION = "tenant_calendars"
_REPLICAS_START_WITHIN = timedelta(hours=1)


class CalendarChanges:
    """Compares the calendars that are set with those that lines were calculated with."""

    def __init__(self, mongo: Mongo, queue: RecalculationQueue, *, clock: Clock = utc_now) -> None:
        self._mongo, self._queue, self._clock = mongo, queue, clock
        self._integrations = IntegrationDirectory(mongo)

    async def enqueue(self, calendars: Iterable[TenantCalendar]) -> None:
        """Enqueues all that is connected of each tenant whose calendar is new, or was changed lately."""
        for calendar in calendars:
            await self._enqueue(calendar)

    async def _enqueue(self, calendar: TenantCalendar) -> None:
        rows, now = self._mongo.documents(_COLLECTION, calendar.id), utc(self._clock())
        content = calendar.model_dump(mode="json")
        stored = await rows.get(calendar.id)
        is_same = stored is not None and stored["calendar"] == content
        changed_at = stored["changed_at"] if stored and is_same else now
        if is_same and now - changed_at > _REPLICAS_START_WITHIN:
            return
        connected = await self._integrations.of_tenant(calendar.id)
        refs = [Ref(RefKind.INTEGRATION, one.integration_id) for one in connected]

        async def work(session: Session) -> None:
            row = {"_id": calendar.id, "calendar": content, "changed_at": changed_at}
            await rows.put(row, session=session)
            await self._queue.enqueue_refs(calendar.id, refs, session=session)

        await self._mongo.transaction(work)
