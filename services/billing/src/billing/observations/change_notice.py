"""A piece of news with what it is stored and found by, worked out once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from billing.usage.ref import Ref, billed_as, subject_of
from shared.contracts.base import Observation, State
from shared.contracts.matcher import MappingDecided
from shared.contracts.psa_sync import AgreementLineObserved
from shared.contracts.vendor_sync import SubscriptionObserved


@dataclass(frozen=True, slots=True)
class ChangeNotice:
    """News of one thing."""

    key: str
    """Names the thing: the key of the message."""
    subject: Ref
    """What the thing belongs to: a subscription and an agreement line to their account."""
    revision: int
    news: State

    @classmethod
    def of(cls, news: State) -> Self:
        return cls(news.key, subject_of(news), news.revision, news)


@dataclass(frozen=True, slots=True)
class StoredNews:
    """What storing a batch of news found out."""

    moved_from: set[Ref]
    """What the things belonged to, or led to, before."""
    affecting: Sequence[ChangeNotice]
    """The news that may change a number: all but what tells new evidence alone (`tells_evidence_alone`)."""


_STAMP_FIELDS = frozenset({"revision", "run_id", "generation", "observed_at"})


def tells_evidence_alone(news: State, row: Mapping[str, Any] | None) -> bool:
    """Tells whether newer news differs from the row of its thing only in what helps to recognise it.

    News that is as old as the row, or older, does not: whoever stored the row may have been killed before the
    calculation was asked for.
    """
    # First what most news is decided by: subscriptions, of which there are many, have no evidence.
    if not isinstance(news, Observation) or not news.evidence_fields or row is None:
        return False
    if news.revision <= row["revision"]:
        return False
    # A row of an older release lacks evidence: empty evidence says no more than that.
    changed = {
        name
        for name, value in news.model_dump(mode="json").items()
        if (row.get(name) or None) != (value or None)
    }
    return bool(changed & news.evidence_fields) and changed <= news.evidence_fields | _STAMP_FIELDS


def affected_refs(notices: Iterable[ChangeNotice]) -> set[Ref]:
    """What must be calculated again; subscriptions and agreement lines wait for their manifest.

    A mapping affects what it leads from and what it leads to; its row tells what it led to before. The
    read-back of one of our own writes counts at once.
    """
    affected: set[Ref] = set()
    for notice in notices:
        match notice.news:
            case SubscriptionObserved():
                continue
            case AgreementLineObserved() as line if not is_read_back(line):
                continue
            case MappingDecided() as mapping:
                affected |= {notice.subject, *billed_as(mapping)}
            case _:
                affected.add(notice.subject)
    return affected


def arriving_revisions(notices: Iterable[ChangeNotice]) -> dict[Ref, int]:
    """By account, the largest revision of its things that wait for a manifest."""
    revisions: dict[Ref, int] = {}
    for notice in notices:
        match notice.news:
            case AgreementLineObserved() as line if is_read_back(line):
                continue
            case SubscriptionObserved() | AgreementLineObserved():
                revisions[notice.subject] = max(revisions.get(notice.subject, 0), notice.revision)
    return revisions


def read_backs(notices: Iterable[ChangeNotice]) -> dict[Ref, list[AgreementLineObserved]]:
    """The read-backs of our own writes, by account."""
    lines: dict[Ref, list[AgreementLineObserved]] = {}
    for notice in notices:
        if isinstance(notice.news, AgreementLineObserved) and is_read_back(notice.news):
            lines.setdefault(notice.subject, []).append(notice.news)
    return lines


def is_read_back(line: AgreementLineObserved) -> bool:
    """Whether one of our own writes read the line after it was sent; a line that is gone bills nothing."""
    return line.read_back and line.present
