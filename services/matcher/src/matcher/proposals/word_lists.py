"""Reads the word lists that lie beside the modules as TOML: people correct them without reading code."""

import tomllib
from importlib.resources import files
from typing import Any

NOTHING = "-"
"""Stands in a list for the empty text: the words behind it are dropped."""


def load_lists(name: str, package: str = "matcher.proposals") -> dict[str, Any]:
    """Returns the lists of a file of the package by name."""
    return tomllib.loads(files(package).joinpath(name).read_text("utf-8"))


def substitutes(text: str) -> dict[str, str]:
    """Returns from lines such as `brothers: bros | gebr` what stands for each text behind the colon."""
    found = dict[str, str]()
    for line in text.strip().splitlines():
        form, _, others = line.partition(": ")
        found |= dict.fromkeys(others.split(" | "), "" if form == NOTHING else form)
    return found


def split_list(text: str) -> list[str]:
    """Returns the texts between bars; lines are joined first."""
    return " ".join(text.split()).split(" | ")
