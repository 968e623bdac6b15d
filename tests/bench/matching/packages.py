"""Installs what only this row needs, beside the environment: pinned, hashed, when it is first measured.

Nothing of it is a dependency of a service or of the tests, so the licence check of `.ci` never sees it:
`allowed_licences` holds it to the same list.
"""

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from email.parser import HeaderParser
from hashlib import sha256
from pathlib import Path

_TOOLS = Path(".tools")
_REQUIREMENTS = Path("tests/bench/matching/requirements")
NAMES, RIVALS = "names", "rivals"


def place_of(name: str) -> Path:
    return _TOOLS / f"matching-{name}"


def is_installed(name: str) -> bool:
    stamp = place_of(name) / ".installed"
    return stamp.exists() and stamp.read_text("ascii") == _stamp(name)


def install(name: str) -> Path:
    """Install `requirements/<name>.txt` unless it is there as pinned; return where."""
    target = place_of(name)
    if not is_installed(name):
        uv = Path(sys.executable).with_name("uv")
        options = [
            "--no-deps",
            "--require-hashes",
            "--upgrade",
            "--target",
            str(target),
            "--python",
            sys.executable,
        ]
        file = _REQUIREMENTS / f"{name}.txt"
        command = [str(uv), "pip", "install", "-q", *options, "-r", str(file)]
        subprocess.run(command, check=True)
        if refused := [*refused_licences(target)]:
            raise ValueError(
                f"{file} brings in {', '.join(refused)}: .ci/supply_chain.toml does not allow that"
            )
        (target / ".installed").write_text(_stamp(name), "ascii")
    return target


def refused_licences(target: Path) -> Iterator[str]:
    """Yield the packages in a folder whose licence is not one that our dependencies may have."""
    allowed = tomllib.loads(Path(".ci/supply_chain.toml").read_text("utf-8"))["allowed"]
    for path in sorted(target.glob("*.dist-info/METADATA")):
        headers = HeaderParser().parsestr(path.read_text("utf-8"))
        classified = [line for line in headers.get_all("Classifier", []) if line.startswith("License ::")]
        stated = [headers["License-Expression"], *classified, headers["License"]]
        if not any(_is_allowed(licence, allowed) for licence in stated if licence):
            yield f"{headers['Name']} ({headers['License-Expression'] or headers['License'] or 'no licence'})"


def _is_allowed(licence: str, allowed: list[str]) -> bool:
    first = licence.splitlines()[0].strip()
    parts = first.replace("(", "").replace(")", "").split(" AND ")
    return all(part.split(" WITH ")[0] in allowed or f"{part}" in _AS_WRITTEN for part in parts)


_AS_WRITTEN = {"MIT License", "BSD", "BSD License", "Apache 2.0", "Dual License", "new BSD"}
"""How packages that name no SPDX identifier write an allowed licence."""


def _stamp(name: str) -> str:
    return sha256((_REQUIREMENTS / f"{name}.txt").read_bytes()).hexdigest()
