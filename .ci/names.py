"""Fails when a name is not the field's: a module that is no noun, a class name of two things, a stale path.

A module is called like what it holds. The last word of its name is looked at, so `run_closer` is one and
`closing` is not. A public class name means one thing in the whole workspace: who searches for it finds it.
A path that a page names must exist, from the root or, on a member's own page, inside that member's package.
"""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

PRODUCT = ("services/", "shared/", "deploy/")
NOT_A_NOUN = re.compile(r"(ing|ed|told|kept|seen|known|bought|sold|sent|written|gone|found|held|done)$")
NOUNS = {
    "billing": "the service, as the product calls it",
    "finishing": "the last step of mapping, as the product calls it",
    "interleaving": "the order in which two writers meet, as the literature calls it",
    "listing": "a list as a provider gives it out",
    "logging": "the field's own word",
    "matching": "what a matching engine is measured at, as the literature calls it",
    "sealing": "what is done to a credential at rest",
    "shared": "the top level's fixed name",
}
PATH = re.compile(r"`([\w./-]+/[\w.-]+\.(?:py|md|toml|yml))`")
REPEATED = {"Settings": "every process has its own, read from its own environment"}


def main() -> int:
    paths = _files("*.py")
    faults = [fault for path in paths if (fault := _module_fault(path))]
    faults += _class_faults([path for path in paths if str(path).startswith(PRODUCT)])
    faults += [fault for page in _files("*.md") for fault in _path_faults(page)]
    print("\n".join(faults) or f"names: {len(paths)} modules are nouns, every public class is one thing")
    return 1 if faults else 0


def _files(pattern: str) -> list[Path]:
    """What git tracks or would track."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern]
    names = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split()  # noqa: S603 (git)
    return [path for name in names if (path := Path(name)).exists()]


def _module_fault(path: Path) -> str | None:
    # A test is a sentence about a module or about a story, and only the module's name is bound.
    if path.name.startswith("test_"):
        return None
    for word in (path.parent.name, path.stem):
        last = word.rpartition("_")[2]
        if NOT_A_NOUN.search(last) and last not in NOUNS:
            return f"{path}: {word!r} is no noun: call the module like what it holds"
    return None


def _class_faults(paths: list[Path]) -> list[str]:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in paths:
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(f"{path}:{node.lineno}")
    return [
        f"class {name} is defined {len(found)} times, and a name means one thing: {', '.join(found)}"
        for name, found in sorted(places.items())
        if len(found) > 1 and name not in REPEATED
    ]


def _path_faults(page: Path) -> list[str]:
    roots = [Path(), page.parent, *page.parent.glob("src/*")]
    named = dict.fromkeys(PATH.findall(page.read_text("utf-8")))
    return [
        f"{page}: `{path}` does not exist: name the file as it is called now"
        for path in named
        if not any((root / path).exists() for root in roots)
    ]


if __name__ == "__main__":
    sys.exit(main())
