"""A plan: what stands on many vendor items and what is to stand, row by row, before anything is decided."""

# Invariant: a plan decides nothing until it is applied, and is applied only on the ground that it shows. Its
# digest is a sum over its rows, so that the order in which rows were compared, and a row that turned out to
# contradict a later one, leave one digest for one content:
#
#   row 2 "1 → 9, on r7"   row 5 "1 → 8, on r7"   both become errors: taken out of the sum, put in as errors
#
# What a reader sees of an applied plan: up to `ROWS_AT_ONCE` rows change in one transaction. A larger plan
# reserves the tenant's mappings, and is made part by part until it is whole (decision 39).

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from matcher.mappings.models import PsaItemRef
from shared.contracts.mapping_rules import MappingRules
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, MappingMethod
from shared.errors import Conflict, RuleBroken

ROWS_AT_ONCE = 500
"""Rows of one transaction: others of the tenant wait for it."""
DIGEST_CHARACTERS = 64
_DIGEST_SPACE = 16**DIGEST_CHARACTERS


class PlanSource(StrEnum):
    """What a plan was made from."""

    IMPORT = "import"
    """A file."""
    ROLLBACK = "rollback"
    """What stood at an earlier moment."""
    RELINK = "relink"
    """Another PSA, in place of the one that things are mapped to."""


class PlanState(StrEnum):
    """How far a plan is."""

    READY = "ready"
    APPLYING = "applying"
    """Part of it is decided, the rest follows, and nobody else decides meanwhile."""
    APPLIED = "applied"


class RowOutcome(StrEnum):
    """What applying the plan does to the vendor item of a row."""

    NEW = "new"
    """Nothing is decided on it now."""
    CHANGED = "changed"
    REVOKED = "revoked"
    """A decision is taken back, and nothing put in its place."""
    UNCHANGED = "unchanged"
    """The same stands already: nothing is done."""
    OPEN = "open"
    """The plan has no answer, and says why: nothing is done."""
    ERROR = "error"
    """The row cannot be applied, and says why."""


APPLICABLE = frozenset({RowOutcome.NEW, RowOutcome.CHANGED, RowOutcome.REVOKED})


@dataclass(frozen=True, slots=True)
class StandingDecision:
    """What stands on a vendor item as its row was made, and who decided it."""

    revision: int
    decision: MappingDecision
    method: MappingMethod
    psa_integration_id: str | None
    psa_id: str | None
    reason: str | None
    decided_by: str
    decided_at: datetime
    rules: MappingRules | None = None

    @classmethod
    def of(cls, mapping: MappingDecided) -> "StandingDecision":
        return cls(**{name: getattr(mapping, name) for name in cls.__dataclass_fields__})


@dataclass(frozen=True, slots=True)
class WantedDecision:
    """What is to stand on a vendor item."""

    decision: MappingDecision
    method: MappingMethod
    target: PsaItemRef | None = None
    """None unless approved."""
    reason: str | None = None
    rules: MappingRules | None = None
    """How a mapped service's quantity is made."""


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One vendor item of a plan, or a row of a file that names none."""

    number: int
    """From 1, in the order of the file or of the mappings' keys."""
    outcome: RowOutcome
    kind: MappingKind | None = None
    vendor_integration_id: str | None = None
    vendor_id: str | None = None
    key: str | None = None
    """Of the mapping; None where the row names no vendor item."""
    standing: StandingDecision | None = None
    """None when nothing was ever decided."""
    wanted: WantedDecision | None = None
    sentence: str | None = None
    """Why, for people: the error, or what the row rests on."""

    @property
    def standing_revision(self) -> int:
        return self.standing.revision if self.standing else 0


@dataclass(frozen=True, slots=True)
class PlanCounts:
    """How many rows have which outcome, by kind of item; rows that name no kind count under None."""

    by_kind: Mapping[MappingKind | None, Mapping[RowOutcome, int]] = field(default_factory=dict)

    @property
    def by_outcome(self) -> dict[RowOutcome, int]:
        total = Counter[RowOutcome]()
        for counts in self.by_kind.values():
            total.update(counts)
        return {outcome: total[outcome] for outcome in RowOutcome}

    @property
    def applicable(self) -> int:
        return sum(count for outcome, count in self.by_outcome.items() if outcome in APPLICABLE)


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """A person's word that a plan is to be applied as they saw it."""

    tenant_id: str
    plan_id: str
    by: str
    idempotency_key: str
    digest: str
    expected_count: int
    """How many rows change, those left out not counted."""
    skip_errors: bool = False
    except_rows: tuple[int, ...] = ()

    @property
    def fingerprint(self) -> str:
        asked = [self.plan_id, self.digest, self.expected_count, self.skip_errors, sorted(self.except_rows)]
        return sha256(json.dumps(asked).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PlanApplication:
    """Who applies a plan, and how far it is applied."""

    by: str
    idempotency_key: str
    fingerprint: str
    begun_at: datetime
    cut: int
    """The largest revision of any decision from before."""
    rows: int
    """How many are decided when it is done."""
    except_rows: frozenset[int] = frozenset()
    through: int = 0
    """The number of the last row that is done; those behind it follow."""
    decided: int = 0
    overtaken: tuple[int, ...] = ()
    """Rows on which a restored database held another decision by then, which stays."""
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MappingPlan:
    """A set of decisions to be reviewed, and applied as one."""

    id: str
    tenant_id: str
    source: PlanSource
    title: str
    """What it was made from, as the reason of its decisions says: "imported from mappings.csv"."""
    created_by: str
    created_at: datetime
    digest: str
    counts: PlanCounts
    is_complete: bool = False
    """Whether what its file does not name is revoked."""
    state: PlanState = PlanState.READY
    application: PlanApplication | None = None


class FileRefused(RuleBroken):
    """A file that cannot be read as mappings at all; the sentence says what to send."""


class PlanRefused(Conflict):
    """The plan cannot be applied as asked."""


class PlanOutdated(PlanRefused):
    """The ground of some rows has changed since the plan was made; nothing was applied."""

    def __init__(self, rows: Sequence[tuple[int, str]], count: int) -> None:
        super().__init__(
            f"{count:,} of the plan's rows rest on what is no longer so, and nothing was applied: make the"
            " plan anew, or leave them out with `except_rows`"
        )
        self.rows, self.count = tuple(rows), count


def digest_number(row: PlanRow) -> int:
    """Returns the summand of a row; the sum of all, as `digest_text`, is the digest of a plan."""
    wanted = [*astuple(row.wanted)] if row.wanted else None
    if wanted and row.wanted and row.wanted.rules:
        wanted[-1] = row.wanted.rules.model_dump_json()
    content = [row.number, row.outcome, row.key, row.standing_revision, wanted, row.sentence]
    return int.from_bytes(sha256(json.dumps(content).encode()).digest(), "big")


def digest_text(total: int) -> str:
    return f"{total % _DIGEST_SPACE:0{DIGEST_CHARACTERS}x}"
