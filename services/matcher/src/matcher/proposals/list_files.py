"""Reads a list of rows from a JSON or CSV file of a person's, and says what is wrong with the file."""

# Invariant: what a cell holds is read as it was written, line breaks in quotes included, and no cell is
# taken for another's: a row with more cells than there are columns, or a quote that is never closed, is a
# fault. The columns are divided by whatever makes one of them `id`:
#
#   id;name          →  by semicolons         id,name      1,"Contoso       →  one row, "Contoso⏎Ltd"
#   1;Contoso, Ltd                                         Ltd"

import csv
import json
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Any

from shared.errors import PermanentError

_MOST_BYTES = 200_000_000
_DELIMITERS = (",", ";", "\t", "|")
_LONGEST_LINE = 10_000
"""Characters of a first line, which names columns."""
_KEY = "id"
"""The column that every list has."""


def load_list(path: Path) -> Sequence[Any]:
    """Returns the rows of a file. Raises `PermanentError` with the reason when it has none."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise PermanentError(f"{path} has more than {_MOST_BYTES:,} bytes: divide it")
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read()
    except OSError as error:
        raise PermanentError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PermanentError(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8") from error
    return list(_csv_rows(path, text)) if path.suffix.lower() == ".csv" else _json_rows(path, text)


def _csv_rows(path: Path, text: str) -> Iterator[dict[str, str]]:
    first_line = next(iter(text[:_LONGEST_LINE].splitlines()), "")
    delimiter = next((one for one in _DELIMITERS if _KEY in _columns(first_line, one)), None)
    if delimiter is None:
        raise PermanentError(
            f"{path} has no column `{_KEY}`: its first line must name the columns, and is"
            f" {first_line[:100]!r}"
        )
    reader = csv.DictReader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if None in row:
                raise PermanentError(
                    f"{path}, line {reader.line_num}: more cells than the {len(reader.fieldnames or ())}"
                    f" columns: put a text that holds {delimiter!r} in quotes"
                )
            yield row
    except csv.Error as error:
        raise PermanentError(f"{path} is not CSV (near line {reader.reader.line_num}): {error}") from error


def _columns(first_line: str, delimiter: str) -> list[str]:
    """Returns the columns that the line names if this divides them; none for a line that is no CSV."""
    try:
        return list(chain.from_iterable(csv.reader([first_line], delimiter=delimiter)))
    except csv.Error:
        return []


def _json_rows(path: Path, text: str) -> Sequence[Any]:
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise PermanentError(f"{path} is no list of rows: its values are nested too deeply") from error
    except ValueError as error:
        raise PermanentError(f"{path} is not JSON: {error}") from error
    if not isinstance(found, list):
        raise PermanentError(f"{path} must hold a list of rows, and holds {type(found).__name__}")
    return found
