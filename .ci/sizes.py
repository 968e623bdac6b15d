"""Fails when a function or file outgrows what a reader can hold (style: code).

Functions: none over 40 lines, docstring not counted. Files: none over 250.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

FUNCTION_LINES, FILE_LINES = 40, 250

Function = ast.FunctionDef | ast.AsyncFunctionDef


def main() -> int:
    sources = {path: path.read_text("utf-8") for path in _files()}
    sizes = [found for path, text in sources.items() for found in _functions(path, text)]
    faults = [
        f"{place}: {lines} lines, {FUNCTION_LINES} are allowed"
        for place, lines in sizes
        if lines > FUNCTION_LINES
    ]
    for path, text in sources.items():
        if (lines := text.count("\n")) > FILE_LINES:
            faults.append(f"{path}: {lines} lines, {FILE_LINES} are allowed")
    print("\n".join(faults) or f"sizes: {len(sources)} files, {_spread([lines for _, lines in sizes])}")
    return 1 if faults else 0


def _spread(lines: list[int]) -> str:
    ninth = quantiles(lines, n=10)[-1]
    return f"{len(lines)} functions of median {median(lines):.0f}, p90 {ninth:.0f}, max {max(lines)} lines"


def _files() -> list[Path]:
    """What git tracks or would track."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    names = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split()  # noqa: S603 (git)
    return [path for name in names if (path := Path(name)).exists()]


def _functions(path: Path, text: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function):
            yield f"{path}:{node.lineno} {node.name}", _lines(node)


def _lines(node: Function) -> int:
    first = node.body[0]
    total = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node, clean=False) is None:
        return total
    return total - ((first.end_lineno or first.lineno) - first.lineno + 1)


if __name__ == "__main__":
    sys.exit(main())
