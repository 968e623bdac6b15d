"""How the demo speaks: short lines, one table."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

Json = dict[str, Any]

_HEAD = ("PSA account", "product", "bought", "billed", "class", "per period")
_NUMBERS = (2, 3, 5)


def table(lines: Sequence[Json]) -> list[str]:
    """The usage lines that ask for attention; those in step are counted below."""
    asking = sorted((line for line in lines if line["line_class"] != "in-step"), key=_order)
    rows = [_HEAD, *(_row(line) for line in asking)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    told = ["    " + "  ".join(_cells(row, widths)).rstrip() for row in rows]
    return [*told, f"    and {plural(len(lines) - len(asking), 'line')} in step"]


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _cells(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for column, (text, width) in enumerate(zip(row, widths, strict=True)):
        yield text.rjust(width) if column in _NUMBERS else text.ljust(width)


def _row(line: Json) -> tuple[str, ...]:
    names = line["names"]
    return (
        (names["psa_account"] or ", ".join(names["vendor_accounts"]))[:28],
        (names["product"] or ", ".join(names["services"]))[:34],
        _count(line["vendor_count"]),
        _count(line["psa_count"], line["line_class"]),
        line["line_class"] + (f" ({line['reason']})" if line["line_class"] == "no-verdict" else ""),
        _money(line["money"]),
    )


def _count(count: Json, line_class: str = "") -> str:
    if line_class == "ambiguous":
        return "several"
    return str(count["number"]) if count["number"] is not None else str(count["missing"] or "–")


def _money(money: Json) -> str:
    if money["amount"] is None:
        return "?"
    amount = Decimal(money["amount"])
    return f"{amount:+.2f} {money['currency']}" if amount else "–"


def _order(line: Json) -> tuple[str, str]:
    return line["line_class"], str(line["names"]["psa_account"])
