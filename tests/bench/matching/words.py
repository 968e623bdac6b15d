"""Reads the word lists that composed names are made of: countries, trades, abbreviations, scripts."""

import json
from functools import cache
from pathlib import Path
from typing import Any

_DIRECTORY = Path(__file__).parent / "words"


@cache
def read_list(name: str) -> Any:
    """Return the list `words/<name>.json`; callers never change it."""
    return json.loads((_DIRECTORY / f"{name}.json").read_text("utf-8"))


def countries() -> dict[str, dict[str, Any]]:
    """Return, by ISO code, a country's legal forms, towns, surnames, domains and shapes of numbers."""
    found: dict[str, dict[str, Any]] = read_list("countries")
    return found


def trades(language: str) -> list[str]:
    """Return what small businesses of a language call their trade."""
    found: list[str] = read_list("trades")[language]
    return found


def abbreviations() -> dict[str, list[str]]:
    """Return, by full word, the ways in which people shorten it."""
    found: dict[str, list[str]] = read_list("abbreviations")
    return found


def scripts() -> dict[str, dict[str, Any]]:
    """Return, by country, words of a script other than Latin, each with its usual transcription."""
    found: dict[str, dict[str, Any]] = read_list("scripts")
    return found


def words_of(name: str) -> list[str]:
    """Return one of the short lists: adjectives, coined words, departments, notes."""
    found: list[str] = read_list("lists")[name]
    return found
