"""Publishes and stores what was read of lines, for many companies at once."""

# Invariant: a line is recorded as it is *stated*, which its own reading need not be: the row of a later
# reader, a write's, is not overruled, and then the record is of that row, and says that the two disagree.
# Published first, stored after: killed in between, the agreement is due still, and is read and stated again.
#
#   901 read as 8, stated as r100   → the record: r100, 8
#   901 read as 8 at r100, but stated as 9 by a write at r110   → the record: r110, 9, changed

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psa_sync.psa import PsaLine
from psa_sync.runs.company_collect import AgreementEntry, CompanyCollect, CompanyEntry
from psa_sync.runs.line_record import LineReading, LineRecord
from psa_sync.runs.observations import agreement_line_key, agreement_line_observed
from psa_sync.runs.ports import CollectChange, CollectQueue
from shared.contracts.psa_sync import AgreementLineObserved
from shared.sync_engine.observation_rows import Statement, digest, id_of
from shared.sync_engine.run_context import RunContext
from shared.sync_engine.stamp import Stamp


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """What the PSA answered of one line; the stamp is of the oldest answer that it is made of."""

    line_id: str
    agreement_id: str
    stamp: Stamp
    found: PsaLine | None = None
    """None when the company has no such line: it is gone, has moved or is billed no more."""
    is_gone: bool = False
    """Whether the PSA says that there is no such line at all."""


@dataclass(frozen=True, slots=True)
class CompanyAnswer:
    """What one call told of a company."""

    company: CompanyCollect
    lines: Sequence[LineAnswer] = ()
    records: Sequence[LineRecord] = ()
    """Lines of which nothing new was read."""
    agreement: AgreementEntry | None = None
    dropped_agreement_id: str | None = None
    entry: CompanyEntry | None = None
    relisted: Sequence[AgreementEntry] | None = None
    """All its agreements, when they were listed anew; `entry` rests on that listing."""

    def take_effect(self, lines: Sequence[LineRecord]) -> None:
        """Brings the company up to date once all is stored; `lines` are those that were read."""
        company = self.company
        company.update(lines)
        company.entry = self.entry or company.entry
        if self.relisted is not None:
            company.agreements = {entry.agreement_id: entry for entry in self.relisted}
        if self.agreement:
            company.agreements[self.agreement.agreement_id] = self.agreement
        if self.dropped_agreement_id:
            del company.agreements[self.dropped_agreement_id]


@dataclass(frozen=True, slots=True)
class _Statements:
    """How lines are stated after a reading, by message key."""

    known_revision: int
    """Taken after the reading."""
    current: Mapping[str, Statement]
    other: Mapping[str, AgreementLineObserved]
    """What states them otherwise than they were read."""


@dataclass(frozen=True, slots=True)
class LineCommit:
    """Commits answers in the order in which they are given."""

    context: RunContext
    queue: CollectQueue

    async def commit(self, answers: Sequence[CompanyAnswer]) -> None:
        lines = [line for answer in answers for line in answer.lines]
        observations = await self._observations(lines)
        statements = await self._state([*observations.values()])
        records = [[*answer.records, *self._records(answer, observations, statements)] for answer in answers]
        changes = [
            CollectChange(
                answer.company.company_id,
                lines_read,
                agreement=answer.agreement,
                dropped_agreement_id=answer.dropped_agreement_id,
                entry=answer.entry,
                relisted=answer.relisted,
            )
            for answer, lines_read in zip(answers, records, strict=True)
        ]
        await self.queue.store(self.context.run, changes)
        for answer, lines_read in zip(answers, records, strict=True):
            answer.take_effect(lines_read)

    async def _observations(self, lines: Sequence[LineAnswer]) -> dict[int, AgreementLineObserved]:
        """Returns what is to be stated, by the identity of the answer; of what has only moved, nothing."""
        gone = [agreement_line_key(line.line_id, line.stamp) for line in lines if line.is_gone]
        last_seen = await self.context.publisher.existing(AgreementLineObserved, gone)
        observations: dict[int, AgreementLineObserved] = {}
        for line in lines:
            if line.found:
                observations[id(line)] = agreement_line_observed(line.found, line.stamp)
            elif line.is_gone and (last := last_seen.get(agreement_line_key(line.line_id, line.stamp).key)):
                observations[id(line)] = line.stamp.absent(last)
        return observations

    async def _state(self, observations: Sequence[AgreementLineObserved]) -> _Statements:
        publisher = self.context.publisher
        current = await publisher.state(observations)
        disputed = [
            thing
            for thing in observations
            if thing.key in current and current[thing.key].digest != digest(thing)
        ]
        other = await publisher.existing(AgreementLineObserved, disputed)
        return _Statements(await publisher.next_revision(), current, other)

    def _records(
        self,
        answer: CompanyAnswer,
        observations: Mapping[int, AgreementLineObserved],
        statements: _Statements,
    ) -> list[LineRecord]:
        company, revision = answer.company, answer.company.entry.listed_revision
        records = []
        for line in answer.lines:
            blank = LineRecord(line.line_id, line.agreement_id, revision)
            before, observation = company.lines.get(line.line_id, blank), observations.get(id(line))
            if observation and observation.key not in statements.current:
                reason = self.context.publisher.refused[id_of(observation)]
                records.append(before.unread(reason, collect_revision=revision))
                continue
            reading = _reading(company.company_id, line, observation, statements)
            record = before.read(reading, known_revision=statements.known_revision, collect_revision=revision)
            # What was never there leaves nothing to remember.
            if record.live or record.is_pending_end or line.line_id in company.lines:
                records.append(record)
        return records


def _reading(
    company_id: str, line: LineAnswer, observation: AgreementLineObserved | None, statements: _Statements
) -> LineReading:
    """Returns what the answer says of the line, or what states it if that is something else."""
    own_products = {line.found.product_id} if line.found else set()
    own = line.stamp
    if observation and (other := statements.other.get(observation.key)):
        is_here = other.present and other.account_id == company_id
        return LineReading(
            line_id=line.line_id,
            agreement_id=other.agreement_id if is_here else line.agreement_id,
            product_ids=sorted(own_products | {other.product_id}),
            digest=digest(other) if is_here else "",
            revision=other.revision,
            read_revision=other.revision,
            read_at=other.observed_at,
            agrees=False,
        )
    is_billed = line.found is not None and not line.found.agreement.cancelled
    stated = statements.current[observation.key] if observation else Statement(own.revision, "")
    return LineReading(
        line_id=line.line_id,
        agreement_id=line.agreement_id,
        product_ids=sorted(own_products),
        digest=stated.digest if is_billed else "",
        revision=stated.revision,
        # A later reader has found it just so.
        read_revision=max(own.revision, stated.revision),
        read_at=own.observed_at,
    )
