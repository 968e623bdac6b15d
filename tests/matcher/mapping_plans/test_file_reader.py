"""Files are read row by row: a large one takes no more memory than a small one, whatever it holds."""

import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.mapping_plans.file_reader import csv_rows, json_rows, require_utf8
from matcher.mapping_plans.file_rows import FileRow
from matcher.mapping_plans.models import FileRefused
from shared.limits.people import IMPORT_ROWS

Reader = Callable[[BinaryIO], Iterator[FileRow]]
ROWS = 8_000


def a_csv(rows: int = ROWS) -> bytes:
    return b"kind,vendor_id,psa_id,reason\n" + b"".join(
        b"account,v%d,p%d,%s\n" % (number, number, b"x" * 400) for number in range(rows)
    )


def a_json(rows: int = ROWS) -> bytes:
    row = {"kind": "account", "psa_id": "p", "reason": "x" * 400}
    return json.dumps([row | {"vendor_id": f"v{number}"} for number in range(rows)]).encode()


@pytest.mark.parametrize(
    ("content", "read"), [(a_csv(), csv_rows), (a_json(), json_rows)], ids=["csv", "json"]
)
def test_a_large_file_is_never_in_memory_as_a_whole(content: bytes, read: Reader) -> None:
    file = io.BytesIO(content)  # as large as the test allows, and not counted
    tracemalloc.start()
    require_utf8(file)

    count = sum(not row.problem for row in read(file))

    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == ROWS
    assert peak_bytes < len(content) / 4


@pytest.mark.parametrize(
    ("content", "read"),
    [(b"kind,vendor_id,psa_id\n" + b"a,b,c\n" * (IMPORT_ROWS.most + 1), csv_rows), (None, json_rows)],
    ids=["csv", "json"],
)
def test_a_file_of_too_many_rows_is_refused(content: bytes | None, read: Reader) -> None:
    text = content or b"[" + b"1," * IMPORT_ROWS.most + b"1]"

    with pytest.raises(FileRefused, match="more than 200,000 rows"):
        for _ in read(io.BytesIO(text)):
            pass


@given(st.binary(max_size=200), st.sampled_from([b"", b"kind,vendor_id,psa_id\n", b"[", b'[{"kind": ']))
def test_whatever_is_sent_is_read_or_refused(content: bytes, head: bytes) -> None:
    for read in (csv_rows, json_rows):
        file = io.BytesIO(head + content)
        with suppress(FileRefused):
            require_utf8(file)
            assert all(isinstance(row, FileRow) for row in read(file))


@given(st.lists(st.text(max_size=20), max_size=6))
def test_json_cells_are_read_as_they_are_wherever_a_block_ends(cells: list[str]) -> None:
    rows = [{"kind": "account", "vendor_id": "1", "reason": cell + "y" * 3_000} for cell in cells]
    file = io.BytesIO(json.dumps(rows).encode())

    assert [row.reason for row in json_rows(file)] == [row["reason"] for row in rows]
