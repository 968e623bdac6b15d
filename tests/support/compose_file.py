"""docker-compose.yml as data, its variables filled in as compose does: no engine is needed to check it."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILLED_IN = {"TRUEUP_ADMIN_EMAIL": "admin@example.test"}
"""What .env.example leaves to the operator."""

_REFERENCE = re.compile(r"\$\$|\$\{(\w+)(?::([-?+])([^}]*))?\}")


def composed(**variables: str) -> dict[str, Any]:
    """The file under these variables; raises `KeyError` with the file's own words when one is missing."""
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    filled: dict[str, Any] = _filled(yaml.safe_load(text), variables)
    return filled


def example_variables() -> dict[str, str]:
    """What .env.example sets, quotes off."""
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value.strip("'") for name, _, value in pairs}


def services(**variables: str) -> dict[str, dict[str, Any]]:
    """The services as an operator gets them who has filled in .env.example."""
    found: dict[str, dict[str, Any]] = composed(**example_variables() | FILLED_IN | variables)["services"]
    return found


def make_secrets(place: Path) -> str:
    """Run the generator as an operator does, and tell what it said."""
    command = [sys.executable, str(ROOT / "deploy/compose/make_secrets.py"), str(place)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 (ours)


def image_of(server: str) -> str:
    """The image of Kafka, MongoDB or Redis, which the live tests share."""
    found: str = services()[server]["image"]
    return found


def environment_of(server: str) -> dict[str, str]:
    """What compose tells Kafka, MongoDB or Redis, which the live tests tell theirs as well."""
    found: dict[str, str] = services()[server]["environment"]
    return found


def _filled(node: Any, variables: Mapping[str, str]) -> Any:
    match node:
        case str():
            return _REFERENCE.sub(lambda found: _value(found, variables), node)
        case list():
            return [_filled(item, variables) for item in node]
        case dict():
            return {key: _filled(item, variables) for key, item in node.items()}
    return node


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    name, operator, word = found.groups()
    given = variables.get(name, "")
    match operator:
        case "-":
            return given or word
        case "+":
            return word if given else ""
        case "?" if not given:
            raise KeyError(word)
    return given if name else "$"
