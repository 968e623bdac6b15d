"""Measures predictions by the truth: recall, precision, coverage, calibration, wrong mappings.

What counts:

- *recall at k*: of the items that have a counterpart, those with it among their first k proposals
- *shown at t*: the first proposal of an item, if its score is t and more; *precision*: how many of those
  shown are right, where a proposal for an item without a counterpart is wrong; *coverage*: how many items
  that have a counterpart are shown one
- *coverage at a precision*: the largest coverage of all thresholds at which the precision holds
- *calibration error*: first proposals in ten bins of equal width by their score; the difference between mean
  score and share of right ones, averaged with the sizes of the bins

Example: two items, both shown at 0.9, one of them rightly: precision 0.5, calibration error 0.4.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.matching.models import Label

THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
PRECISION = 0.995
_BINS = 10


@dataclass(frozen=True, slots=True)
class Predictions:
    """What an engine says: proposals with scores, best first, and what it mapped by itself."""

    proposals: Mapping[str, Sequence[tuple[str, float]]]
    auto: Mapping[str, str]

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Predictions":
        proposals = {
            item: [(found["psa_id"], float(found["score"])) for found in ranked]
            for item, ranked in document["proposals"].items()
        }
        return cls(proposals, document["auto"])

    def ranked(self, item: str) -> Sequence[tuple[str, float]]:
        """Return an item's proposals; what is mapped and not proposed counts as a certain one."""
        return self.proposals.get(item) or ([(self.auto[item], 1.0)] if item in self.auto else [])


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown at a threshold and above."""

    items: int
    precision: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How good predictions are for a group of items."""

    items: int
    with_counterpart: int
    recall_at_1: float
    recall_at_5: float
    shown: Mapping[float, Shown]
    """By threshold."""
    coverage_at_precision: float
    calibration_error: float
    auto: int
    wrong_auto: int


@dataclass(frozen=True, slots=True)
class _Judged:
    """One item's first proposal, and where the truth stands among all five."""

    score: float | None
    right: bool
    rank: int | None
    has_counterpart: bool
    auto: bool
    wrong_auto: bool


def accuracy(truth: Mapping[str, Label], predictions: Predictions) -> Accuracy:
    return _summary([_judge(item, label.psa_id, predictions) for item, label in truth.items()])


def accuracy_by(
    truth: Mapping[str, Label], predictions: Predictions, *, attribute: str = "difficulty"
) -> dict[str, Accuracy]:
    """Return the accuracy of each class of difficulty, or of each `kind`."""
    groups: defaultdict[str, list[_Judged]] = defaultdict(list)
    for item, label in truth.items():
        groups[getattr(label, attribute)].append(_judge(item, label.psa_id, predictions))
    return {name: _summary(group) for name, group in sorted(groups.items())}


def _judge(item: str, true: str | None, predictions: Predictions) -> _Judged:
    ranked = predictions.ranked(item)[:5]
    places = [psa_id for psa_id, _ in ranked]
    return _Judged(
        score=ranked[0][1] if ranked else None,
        right=bool(ranked) and places[0] == true,
        rank=places.index(true) if true is not None and true in places else None,
        has_counterpart=true is not None,
        auto=item in predictions.auto,
        wrong_auto=item in predictions.auto and predictions.auto[item] != true,
    )


def _summary(judged: Sequence[_Judged]) -> Accuracy:
    known = [each for each in judged if each.has_counterpart]
    return Accuracy(
        items=len(judged),
        with_counterpart=len(known),
        recall_at_1=_share(known, (each.rank == 0 for each in known)),
        recall_at_5=_share(known, (each.rank is not None for each in known)),
        shown={threshold: _shown(judged, threshold) for threshold in THRESHOLDS},
        coverage_at_precision=_coverage_at_precision(judged),
        calibration_error=_calibration_error(judged),
        auto=sum(each.auto for each in judged),
        wrong_auto=sum(each.wrong_auto for each in judged),
    )


def _shown(judged: Sequence[_Judged], threshold: float) -> Shown:
    known = sum(each.has_counterpart for each in judged)
    seen = [each for each in judged if each.score is not None and each.score >= threshold]
    covered = sum(each.has_counterpart for each in seen)
    return Shown(len(seen), _share(seen, (each.right for each in seen)), covered / known if known else 0.0)


def _coverage_at_precision(judged: Sequence[_Judged]) -> float:
    """Walk down the scores; items of one score are shown together or not at all."""
    known = sum(each.has_counterpart for each in judged)
    by_score: defaultdict[float, list[_Judged]] = defaultdict(list)
    for each in judged:
        if each.score is not None:
            by_score[each.score].append(each)
    best, seen, right, covered = 0, 0, 0, 0
    for score in sorted(by_score, reverse=True):
        seen += len(by_score[score])
        right += sum(each.right for each in by_score[score])
        covered += sum(each.has_counterpart for each in by_score[score])
        if right >= PRECISION * seen:
            best = covered
    return best / known if known else 0.0


def _calibration_error(judged: Sequence[_Judged]) -> float:
    bins: defaultdict[int, list[tuple[float, bool]]] = defaultdict(list)
    for each in judged:
        if each.score is not None:
            bins[min(_BINS - 1, int(each.score * _BINS))].append((each.score, each.right))
    seen = sum(map(len, bins.values()))
    gaps = (abs(sum(score for score, _ in held) - sum(right for _, right in held)) for held in bins.values())
    return sum(gaps) / seen if seen else 0.0


def _share(whole: Sequence[_Judged], true: Iterable[bool]) -> float:
    """Return the share of what is true; of nothing, all is."""
    return sum(true) / len(whole) if whole else 1.0
