"""Reads files of mappings row by row, so that a large one takes no more memory than a small one."""

# Invariant: a file is refused as a whole before its first row is looked at, if its encoding or its columns
# are wrong; later faults are faults of a row, which is named. What is held in memory is one row, and one
# block of the file:
#
#   "kind;vendor_id;psa_id⏎ account;1;9⏎ account;2"   row 1 as it is, row 2 "has 2 cells, and 3 are named"

import codecs
import csv
import io
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from matcher.mapping_plans.file_rows import COLUMNS, FileRow, column_fault, unguarded
from matcher.mapping_plans.models import FileRefused
from shared.limits import record_hit
from shared.limits.people import IMPORT_ROW_CHARACTERS, IMPORT_ROWS

_BLOCK_BYTES = 64 * 1024
_JSON_BLOCK_CHARACTERS = 8 * 1024
_DELIMITERS = ",;\t"
_ADVICE = "save the file as UTF-8 (in a spreadsheet: “CSV UTF-8”) and send it again"
_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def require_utf8(file: BinaryIO) -> None:
    """Raises `FileRefused`, which says what was found, unless the file is UTF-8; leaves it at its start."""
    file.seek(0)
    head = file.read(_BLOCK_BYTES)
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            raise FileRefused(f"the file is in {name}: {_ADVICE}")
    if b"\0" in head:
        raise FileRefused(f"the file holds zero bytes, as UTF-16 does: {_ADVICE}")
    decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
    file.seek(0)
    while True:
        block = file.read(_BLOCK_BYTES)
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            line += error.object[: error.start].count(b"\n")
            byte = error.object[error.start]
            raise FileRefused(
                f"line {line} holds the byte 0x{byte:02X}, which is not UTF-8; the file seems to be in"
                f" Windows-1252 (Latin 1): {_ADVICE}"
            ) from error
        if not block:
            break
        line += block.count(b"\n")
    file.seek(0)


def csv_rows(file: BinaryIO) -> Iterator[FileRow]:
    """Yields the rows; raises `FileRefused` for columns that cannot be read, and for too many rows."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        head = text.readline(IMPORT_ROW_CHARACTERS.most)
        delimiter = max(_DELIMITERS, key=head.count)
        names = [name.strip() for name in next(csv.reader([head], delimiter=delimiter), [])]
        if not any(names):
            raise FileRefused(f"the file is empty: its first line names the columns, of {', '.join(COLUMNS)}")
        if fault := column_fault(names):
            raise FileRefused(fault)
        yield from _csv_cells(csv.reader(_short_lines(text), delimiter=delimiter, strict=True), names)
    finally:
        text.detach()


def json_rows(file: BinaryIO) -> Iterator[FileRow]:
    """Yields the rows of an array of objects; raises `FileRefused` where it is none, or has too many."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        for number, element in enumerate(_elements(text), 1):
            _require_few(number)
            yield _json_row(element, number)
    finally:
        text.detach()


def _short_lines(text: io.TextIOWrapper) -> Iterator[str]:
    number = 1
    while line := text.readline(IMPORT_ROW_CHARACTERS.most):
        number += 1
        if len(line) == IMPORT_ROW_CHARACTERS.most:
            record_hit(IMPORT_ROW_CHARACTERS)
            raise FileRefused(f"line {number} has more than {IMPORT_ROW_CHARACTERS}: a row is one line")
        yield line


def _csv_cells(reader: Any, names: list[str]) -> Iterator[FileRow]:
    number = 0
    while True:
        number += 1
        _require_few(number)
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise FileRefused(
                f"the file cannot be read from row {number} on (line {reader.line_num + 1}): {error}; a"
                ' quotation mark inside a quoted cell is written twice, as in "a ""b"""'
            ) from error
        if not any(cells):
            number -= 1  # an empty line, as at the end of many files
        elif len(cells) != len(names):
            problem = f"the row has {len(cells)} cells, and the first line names {len(names)} columns"
            yield FileRow(number, problem=problem)
        else:
            yield FileRow(number, **dict(zip(names, map(unguarded, cells), strict=True)))


def _require_few(number: int) -> None:
    if number > IMPORT_ROWS.most:
        record_hit(IMPORT_ROWS)
        raise FileRefused(f"the file has more than {IMPORT_ROWS}: divide it, and send the parts one by one")


def _json_row(element: object, number: int) -> FileRow:
    if not isinstance(element, dict):
        return FileRow(number, problem="this is no object: each row is one, as in an export")
    if unknown := [name for name in element if name not in COLUMNS]:
        return FileRow(
            number, problem=f"there is no field {unknown[0][:100]!r}: these are {', '.join(COLUMNS)}"
        )
    cells = {}
    for name, value in element.items():
        if isinstance(value, bool) or not isinstance(value, str | int | None):
            return FileRow(number, problem=f"the field {name!r} is no text: write it in quotation marks")
        cells[name] = "" if value is None else str(value)
    return FileRow(number, **cells)


def _elements(text: io.TextIOWrapper) -> Iterator[object]:
    """Yields what an array holds, element by element."""
    decoder, buffer = json.JSONDecoder(), _filled(text, "")
    if not buffer.startswith("["):
        raise FileRefused("the JSON is no array: send a list of objects, as an export is")
    buffer, number = _filled(text, buffer[1:]), 0
    if buffer.startswith("]"):
        return
    while True:
        number += 1
        element, buffer = _element(text, decoder, buffer, number)
        yield element
        buffer = _filled(text, buffer)
        if buffer.startswith("]"):
            return
        if not buffer.startswith(","):
            raise FileRefused(f"the JSON ends or breaks off behind element {number}: a comma or ] is missing")
        buffer = _filled(text, buffer[1:])


def _element(
    text: io.TextIOWrapper, decoder: json.JSONDecoder, buffer: str, number: int
) -> tuple[object, str]:
    while True:
        try:
            element, end = decoder.raw_decode(buffer)
        except ValueError as error:
            if len(buffer) > IMPORT_ROW_CHARACTERS.most:
                record_hit(IMPORT_ROW_CHARACTERS)
                sentence = f"element {number} of the JSON is broken, or has more than {IMPORT_ROW_CHARACTERS}"
                raise FileRefused(sentence) from error
            more = text.read(_JSON_BLOCK_CHARACTERS)
            if not more:
                raise FileRefused(f"element {number} of the JSON cannot be read: {error}") from error
            buffer += more
        else:
            return element, buffer[end:]


def _filled(text: io.TextIOWrapper, buffer: str) -> str:
    """Returns the buffer from its first character that is no space on; reads on where it holds none."""
    buffer = buffer.lstrip()
    while not buffer:
        more = text.read(_JSON_BLOCK_CHARACTERS)
        if not more:
            return ""
        buffer = more.lstrip()
    return buffer
