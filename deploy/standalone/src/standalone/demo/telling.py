"""How the demo speaks: short lines, one table."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

Json = dict[str, Any]
Say = Callable[[str], None]

_HEAD = ("PSA account", "product", "bought", "billed", "class", "per period")
_NUMBERS = (2, 3, 5)


def table(lines: Sequence[Json]) -> list[str]:
    """The usage lines, differences first."""
    rows = [_HEAD, *(_row(line) for line in sorted(lines, key=_order))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return ["    " + "  ".join(_cells(row, widths)).rstrip() for row in rows]


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
        _count(line["psa_count"]),
        line["line_class"] + (f" ({line['reason']})" if line["line_class"] == "no-verdict" else ""),
        _money(line["money"]),
    )


def _count(count: Json) -> str:
    return str(count["number"]) if count["number"] is not None else str(count["missing"] or "–")


def _money(money: Json) -> str:
    if money["amount"] is None:
        return "?"
    amount = Decimal(money["amount"])
    return f"{amount:+.2f} {money['currency']}" if amount else "–"


def _order(line: Json) -> tuple[bool, str, str]:
    return line["line_class"] == "in-step", line["line_class"], str(line["names"]["psa_account"])
