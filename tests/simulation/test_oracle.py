"""The oracle is written from the rules alone, and a simulation repeats itself."""

import ast
from pathlib import Path

from tests.simulation.report import simulate
from tests.simulation.schedule import schedule

_ORACLE = Path(__file__).parent / "oracle"
_JUDGED = {"billing", "vendor_sync", "psa_sync", "matcher"}


def test_the_oracle_imports_nothing_of_what_it_judges() -> None:
    imported = {
        name.partition(".")[0]
        for path in _ORACLE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in _names(node)
    }

    assert not imported & _JUDGED
    assert "tests" in imported


def test_one_seed_is_one_history() -> None:
    decisions = schedule("7", 25)

    first, second = simulate("7", decisions), simulate("7", decisions)

    assert first.failure is None
    assert first.history == second.history
    assert first.proven == second.proven
    assert first.virtual_seconds == second.virtual_seconds


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []
