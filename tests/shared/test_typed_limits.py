"""How long a text may be stands in `shared.limits`, where it is counted and listed, and nowhere else."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def literal_lengths(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if (
            isinstance(node, ast.keyword)
            and node.arg == "max_length"
            and isinstance(node.value, ast.Constant)
        ):
            yield f"{path.relative_to(ROOT)}:{node.value.lineno}: max_length={node.value.value!r}"


def test_no_length_is_a_number_in_a_service() -> None:
    paths = [path for part in ("services", "shared") for path in (ROOT / part).glob("**/src/**/*.py")]

    assert len(paths) > 200
    assert [fault for path in paths for fault in literal_lengths(path)] == []
