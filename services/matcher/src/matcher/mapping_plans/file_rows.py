"""One decision as a row of a file: the columns, and how a cell is kept from being run as a formula."""

# Invariant: what is exported reads back as it was, whatever a name or a reason holds. A cell that a
# spreadsheet would take for a formula, and one that begins as a guarded cell does, gets an apostrophe in
# front; only such an apostrophe is taken off again, so what people type stays as it is:
#
#   written   =1+1 → '=1+1     'til → ''til     Contoso → Contoso
#   read      '=1+1 → =1+1     ''til → 'til     'tis (typed) → 'tis
#
# JSON needs none of this, and holds each text as it is.

from dataclasses import dataclass, fields

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_GUARDED = (*_FORMULA, "'")


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row as it stands in a file; an empty text says nothing. A new column is one more field here."""

    number: int = 0
    kind: str = ""
    """`account` or `service`."""
    decision: str = ""
    vendor_provider: str = ""
    vendor_realm: str = ""
    vendor_integration_id: str = ""
    vendor_id: str = ""
    vendor_code: str = ""
    vendor_name: str = ""
    psa_provider: str = ""
    psa_realm: str = ""
    psa_integration_id: str = ""
    psa_id: str = ""
    psa_code: str = ""
    psa_name: str = ""
    method: str = ""
    """Only shown: what an import decides has the method `import`."""
    reason: str = ""
    decided_by: str = ""
    """Only shown, as `decided_at`: an import is decided by whoever applies it."""
    decided_at: str = ""
    revision: str = ""
    """Only shown."""
    problem: str = ""
    """Why the row could not be read; no column."""


_NO_COLUMNS = ("number", "problem")
COLUMNS = tuple(field.name for field in fields(FileRow) if field.name not in _NO_COLUMNS)
"""In the order of an export."""
_VENDOR_COLUMNS = ("vendor_id", "vendor_code", "vendor_name")
_DECISION_COLUMNS = ("decision", "psa_id", "psa_code", "psa_name")


def guarded(cell: str) -> str:
    """Returns the text of a CSV cell, which no spreadsheet runs."""
    return f"'{cell}" if cell.startswith(_GUARDED) else cell


def unguarded(cell: str) -> str:
    """Returns what a cell of an export says."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_GUARDED) else cell


def column_fault(names: list[str]) -> str | None:
    """Returns what is wrong with the columns of a file, in a sentence; None when they can be read."""
    if unknown := [name for name in names if name not in COLUMNS]:
        named = ", ".join(repr(one[:100]) for one in unknown[:5])
        return f"there is no column {named}: these are {', '.join(COLUMNS)}"
    if twice := {name for name in names if names.count(name) > 1}:
        return f"the column {min(twice)!r} comes twice: name each once"
    if "kind" not in names:
        return "the column 'kind' is missing: it says `account` or `service` in each row"
    for wanted in (_VENDOR_COLUMNS, _DECISION_COLUMNS):
        if not set(wanted) & set(names):
            return f"one of the columns {', '.join(wanted)} is missing: all there are: {', '.join(COLUMNS)}"
    return None
