"""Reads docker-compose.yml as data, with its variables filled in as compose does, without an engine."""

# Of compose's interpolation exactly what the file uses is implemented:
#
#   ${NAME}           the value, or nothing      ${NAME:-word}   the value, or the word
#   ${NAME:+word}     the word if there is one   ${NAME:?word}   the value, or an error that says the word
#   $$                a dollar sign

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
OPERATOR_VARIABLES = {"TRUEUP_ADMIN_EMAIL": "admin@example.test"}
"""The variables that .env.example leaves to the operator."""

_REFERENCE = re.compile(r"\$\$|\$\{(\w+)(?::([-?+])([^}]*))?\}")


def load_compose(**variables: str) -> dict[str, Any]:
    """Return the file under these variables; a missing one raises `KeyError` with the file's words."""
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    filled: dict[str, Any] = _fill(yaml.safe_load(text), variables)
    return filled


def example_variables() -> dict[str, str]:
    """Return the variables that .env.example sets, without their quotes."""
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value.strip("'") for name, _, value in pairs}


def services(**variables: str) -> dict[str, dict[str, Any]]:
    """Return the services as they are for an operator who has filled in .env.example."""
    compose = load_compose(**example_variables() | OPERATOR_VARIABLES | variables)
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


def make_secrets(directory: Path) -> str:
    """Run the generator as an operator does, and return what it printed."""
    command = [sys.executable, str(ROOT / "deploy/compose/make_secrets.py"), str(directory)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 (ours)


def image_of(server: str) -> str:
    """Return the image of Kafka, MongoDB or Redis, which the live tests use too."""
    image: str = services()[server]["image"]
    return image


def environment_of(server: str) -> dict[str, str]:
    """Return compose's environment of Kafka, MongoDB or Redis, which the live tests use too."""
    environment: dict[str, str] = services()[server]["environment"]
    return environment


def _fill(node: Any, variables: Mapping[str, str]) -> Any:
    match node:
        case str():
            return _REFERENCE.sub(lambda match: _value(match, variables), node)
        case list():
            return [_fill(item, variables) for item in node]
        case dict():
            return {key: _fill(item, variables) for key, item in node.items()}
    return node


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    name, operator, word = match.groups()
    given = variables.get(name, "")
    match operator:
        case "-":
            return given or word
        case "+":
            return word if given else ""
        case "?" if not given:
            raise KeyError(word)
    return given if name else "$"
