"""Formats what the demo prints: short lines and one table."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

Json = dict[str, Any]

_HEAD = ("PSA account", "product", "bought", "billed", "class", "per period")
_RIGHT_ALIGNED = (2, 3, 5)


def table(lines: Sequence[Json]) -> list[str]:
    """Return the usage lines that need attention as rows of text; the last row counts those in step."""
    differing = [line for line in lines if line["line_class"] != "in-step"]
    differing.sort(key=lambda line: (line["line_class"], str(line["names"]["psa_account"])))
    rows = [_HEAD, *(_row(line) for line in differing)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    formatted = []
    for row in rows:
        cells = [
            text.rjust(width) if column in _RIGHT_ALIGNED else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        formatted.append("    " + "  ".join(cells).rstrip())
    return [*formatted, f"    and {plural(len(lines) - len(differing), 'line')} in step"]


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _row(line: Json) -> tuple[str, ...]:
    names, money = line["names"], line["money"]
    difference = "?"
    if money["amount"] is not None:
        amount = Decimal(money["amount"])
        difference = f"{amount:+.2f} {money['currency']}" if amount else "–"
    return (
        (names["psa_account"] or ", ".join(names["vendor_accounts"]))[:28],
        (names["product"] or ", ".join(names["services"]))[:34],
        _count(line["vendor_count"]),
        _count(line["psa_count"], line["line_class"]),
        line["line_class"] + (f" ({line['reason']})" if line["line_class"] == "no-verdict" else ""),
        difference,
    )


def _count(count: Json, line_class: str = "") -> str:
    if line_class == "ambiguous":
        return "several"
    # Zero is a number and is shown as one; a missing number is shown by its reason (architecture §4).
    return str(count["number"]) if count["number"] is not None else str(count["missing"] or "–")
