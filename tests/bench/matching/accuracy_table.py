"""Writes the published accuracy: Markdown tables, between two marks of a page."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from tests.bench.matching.comparison import Measured
from tests.bench.matching.metrics import PRECISION, Accuracy

PAGE = Path("services/matcher/README.md")
BEGIN, END = "<!-- accuracy: written by the bench -->", "<!-- accuracy: end -->"
COMMAND = "make bench ROWS=matching"

_SHOWN = 0.9
_FIGURES = (
    "recall@1",
    "recall@5",
    "precision at ≥ 0.9",
    "coverage at ≥ 0.9",
    f"coverage at precision {PRECISION}",
    "calibration error",
    "wrong automatic mappings",
)

Results = Mapping[str, Sequence[Measured]]
"""By the title of a set: the engine, then the methods beside it."""


def published(results: Results, day: date, machine: str) -> str:
    """Return all tables: per set the methods side by side, then the engine by class of difficulty."""
    lines = [f"Measured on {day.isoformat()} by `{COMMAND}`, {machine}.", ""]
    for title, measured in results.items():
        lines += [f"**{title[0].upper()}{title[1:]}**", "", *_methods(measured), ""]
        lines += ["by class of difficulty:", "", *_classes(measured[0].by_class), ""]
    return "\n".join(lines).rstrip()


def write_page(page: Path, text: str) -> None:
    """Put the text between the marks of a page, which must be there."""
    whole = page.read_text("utf-8")
    if whole.count(BEGIN) != 1 or whole.count(END) != 1 or whole.index(BEGIN) > whole.index(END):
        raise ValueError(f"{page} needs the lines {BEGIN!r} and {END!r}, once each and in this order")
    head, _, rest = whole.partition(BEGIN)
    page.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}", "utf-8")


def _methods(measured: Sequence[Measured]) -> Iterator[str]:
    yield from _head("method", (*_FIGURES, "time", "memory"))
    for each in measured:
        about = "≈ " if each.sampled else ""
        name = f"{each.method} (of {each.sampled:,})" if each.sampled else each.method
        yield _line(name, (*_figures(each.whole), f"{about}{each.seconds:,.1f} s", f"{each.peak_mb:,.0f} MB"))


def _classes(by_class: Mapping[str, Accuracy]) -> Iterator[str]:
    yield from _head("class", ("items", *_FIGURES))
    for name, each in by_class.items():
        yield _line(name, (f"{each.items:,}", *_figures(each)))


def _figures(each: Accuracy) -> tuple[str, ...]:
    shown = each.shown[_SHOWN]
    shares = (each.recall_at_1, each.recall_at_5, shown.precision, shown.coverage, each.coverage_at_precision)
    texts = [f"{share:.4f}" for share in shares]
    if not shown.items:
        texts[2] = "–"
    if not each.with_counterpart:
        # Nothing is to be found there; a proposal that is shown all the same is wrong.
        texts = ["–", "–", f"{shown.items:,} shown", "–", "–"]
    return (*texts, f"{each.calibration_error:.4f}", f"{each.wrong_auto:,}")


def _head(first: str, others: Sequence[str]) -> Iterator[str]:
    yield _line(first, others)
    yield "|---" * (len(others) + 1) + "|"


def _line(first: str, others: Sequence[str]) -> str:
    return f"| {' | '.join((first, *others))} |"
