"""Stores answers: services, then the subscriptions that name them, then the entries of the queue."""

# Invariant: an entry is done only after everything that its detail said is published and clean. Killed at any
# line, the answer is in the journal, or the entry is due and is read again; publishing the same again says
# nothing new. The services of a batch are published before the subscriptions that name them, so a reader
# never meets a subscription of a service that it cannot know.
#
# What moved to another account is due there: its old account no longer has it, the new one surely has.

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.contracts.base import service_id_of
from shared.contracts.vendor_sync import ServiceObserved, SubscriptionObserved
from shared.runtime import crash_points
from shared.sync_engine.stamp import Stamp
from vendor_sync.runs.account_entries import AccountEntries
from vendor_sync.runs.answers import (
    DetailAnswer,
    StoredReading,
    entry_after_failure,
    entry_after_reading,
    is_outdated,
)
from vendor_sync.runs.detail_queue import DetailEntry, DetailRank, DetailState, entry_key
from vendor_sync.runs.observations import (
    service_observed,
    subscription_observed,
    unread_subscription_observed,
)
from vendor_sync.runs.offers import SoldLine, SoldService, rename_service
from vendor_sync.runs.run_context import VendorRunContext

Lines = Mapping[int, tuple[SoldLine, ...]]
"""The lines of each answer of a batch, by its place."""


@dataclass(slots=True)
class AnswerStore:
    """Stores the answers of one step of one run, batch by batch."""

    vendor: VendorRunContext
    names: dict[str, str]
    """The name of each service, by its key: the first that was read, until a whole run reads it no more."""
    entries: AccountEntries
    manifest_revisions: dict[str, int]
    """The revision of the newest manifest of each account that has one."""
    published_services: set[SoldService] = field(default_factory=set)
    """Services that this step has published, or found published."""

    async def store(self, answered: Sequence[tuple[DetailEntry, DetailAnswer]]) -> None:
        """Stores answers to calls that have all ended; those that an entry holds already are left out."""
        answered = [(entry, answer) for entry, answer in answered if not is_outdated(entry, answer)]
        if not answered:
            return
        # After every call of the batch was answered: what it said is known to be so from here on.
        after = await self.vendor.context.publisher.next_revision()
        lines = {place: self._with_known_names(answer.lines) for place, (_, answer) in enumerate(answered)}
        await self._publish_services([answer for _, answer in answered], lines)
        observations = await self._observations(answered, lines)
        statements = await self.vendor.context.publisher.state([*observations.values()])
        crash_points.reached("detail-observed")
        entries = []
        for place, (entry, answer) in enumerate(answered):
            observation = observations.get(place)
            statement = statements.get(observation.key) if observation else None
            if statement and statement.revision > answer.revision:
                continue  # read anew since, as of another account: it is still due, and is read once more
            if statement is None:
                why = answer.failure or "what was read could not be published"
                entries.append(entry_after_failure(entry, answer, why))
                continue
            reading = StoredReading(
                statement.revision,
                statement.digest,
                tuple(
                    dict.fromkeys(
                        service_id_of(self.vendor.run.integration_id, line.service.key)
                        for line in lines[place]
                    )
                ),
                after,
                self.manifest_revisions.get(entry.account_id, 0),
            )
            entries.append(entry_after_reading(entry, answer, reading))
        self.vendor.context.assert_lease()
        await self._make_moved_due([answer for _, answer in answered])
        await self.vendor.queue.replace(self.vendor.run, entries)

    async def _make_moved_due(self, answers: Sequence[DetailAnswer]) -> None:
        run = self.vendor.run
        rows = {
            entry_key(answer.detail.row): answer.detail.row
            for answer in answers
            if answer.detail and answer.has_moved
        }
        if not rows:
            return
        existing = await self.vendor.queue.existing(run, rows)
        await self.vendor.queue.insert(
            run,
            [
                DetailEntry(row, run.run_id, DetailState.DUE, DetailRank.ACCOUNT, listed=False)
                for key, row in rows.items()
                if key not in existing
            ],
        )
        for key, row in rows.items():
            self.entries.note(row.account_id, [key])
        back = [replace(entry, row=rows[key]) for key, entry in existing.items() if not entry.live]
        await self.vendor.queue.replace(run, [entry.due_again(run.run_id) for entry in back])

    def _with_known_names(self, lines: tuple[SoldLine, ...]) -> tuple[SoldLine, ...]:
        """Returns the lines with each service under one name: subscriptions may name one differently."""
        named = tuple(replace(line, service=rename_service(line.service, self.names)) for line in lines)
        self.names |= {line.service.key: line.service.name for line in named}
        return named

    async def _publish_services(self, answers: Sequence[DetailAnswer], lines: Lines) -> None:
        """Publishes each service once, in however many lines and subscriptions of the batch it is."""
        stamps = {
            line.service: self._stamp(answer)
            for place, answer in enumerate(answers)
            for line in lines[place]
            if line.service not in self.published_services
        }
        observations: list[ServiceObserved] = [
            service_observed(service, stamp) for service, stamp in stamps.items()
        ]
        await self.vendor.context.publisher.publish(observations)
        self.published_services |= stamps.keys()

    async def _observations(
        self, answered: Sequence[tuple[DetailEntry, DetailAnswer]], lines: Lines
    ) -> dict[int, SubscriptionObserved]:
        """Returns what was read, by its place; for what is gone, its last observation as absent."""
        gone = {
            place: unread_subscription_observed(entry.row, self._stamp(answer))
            for place, (entry, answer) in enumerate(answered)
            if answer.detail is None and not answer.failure
        }
        last_seen = await self.vendor.context.publisher.existing(SubscriptionObserved, gone.values())
        observations = {
            place: self._stamp(answered[place][1]).absent(last_seen.get(unread.key, unread))
            for place, unread in gone.items()
        }
        for place, (_, answer) in enumerate(answered):
            if answer.detail:
                observations[place] = subscription_observed(
                    answer.detail.row, lines[place], self._stamp(answer)
                )
        return observations

    def _stamp(self, answer: DetailAnswer) -> Stamp:
        context = self.vendor.context
        return Stamp.of(context.integration, context.run.run_id, answer.revision, answer.read_at)
