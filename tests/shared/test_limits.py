"""Every limit that is declared is counted somewhere, under a name of its own."""

import ast
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from shared import limits
from shared.limits import Limit, answers, http, kafka, messages, people, process, sign_in, streams

ROOT = Path(__file__).parents[2]
MODULES = (answers, http, kafka, messages, people, process, sign_in, streams)
SOURCES = [
    path for folder in ("shared/src", "services") for path in sorted((ROOT / folder).rglob("src/**/*.py"))
] + sorted((ROOT / "shared/src").rglob("*.py"))
ENDS_ITS_PROCESS = "EVENT_LOOP_LOST_SECONDS"
"""Its count would end with the process that it ends; the stacks in the log are its trace."""


def constants_of(module: ModuleType) -> dict[str, Limit]:
    return {name: value for name, value in vars(module).items() if isinstance(value, Limit)}


CONSTANTS = [name for module in MODULES for name in constants_of(module)]


def handed_over(tree: ast.Module) -> set[str]:
    """Returns what is used as a thing, to be counted or kept for it: neither its number nor its words alone.

    Arguments, defaults, parts of tuples and assigned values are such uses; `X.most` and `f"{X}"` are not.
    """
    only_read = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "most"
    } | {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.FormattedValue)}
    names: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in only_read or not isinstance(getattr(node, "ctx", None), ast.Load):
            continue
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
    return names


@pytest.fixture(scope="module")
def counted() -> set[str]:
    declared_in = ROOT / "shared/src/shared/limits"
    return {
        name
        for path in SOURCES
        if declared_in not in path.parents
        for name in handed_over(ast.parse(path.read_text("utf-8")))
    }


@pytest.mark.parametrize("constant", [name for name in CONSTANTS if name != ENDS_ITS_PROCESS])
def test_a_limit_is_handed_to_whoever_counts_it(constant: str, counted: set[str]) -> None:
    assert constant in counted, f"count {constant} where it is hit: `record_hit` or `counted`"


def test_no_two_limits_share_a_name_and_each_is_in_the_list() -> None:
    listed = limits.all_limits()

    assert Counter(limit.name for limit in listed).most_common(1)[0][1] == 1
    assert len(listed) == len(CONSTANTS)
