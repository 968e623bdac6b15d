"""deploy/Dockerfile done by hand: its COPY and RUN lines in directories of our own, without an engine."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from string import Template

from compose_file import ROOT

UNTRIED = "pip install"
"""The line that fetches uv itself: the tests use the one that is here."""

_QUICK = {"UV_LINK_MODE": "hardlink", "UV_COMPILE_BYTECODE": "0"}


@dataclass(frozen=True)
class Stage:
    """From one FROM to the next."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def said(self, instruction: str) -> str:
        """What follows the last such instruction."""
        return [rest for step, rest in self.steps if step == instruction][-1]


def stages() -> dict[str, Stage]:
    """By name; the last, which makes the image, is named by the empty string."""
    found: list[Stage] = []
    for instruction, rest in _lines():
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(base, name))
        else:
            found[-1].steps.append((instruction, rest))
    return {stage.name: stage for stage in found}


def context(place: Path) -> Path:
    """What a build gets to see: the repository's files without those that .dockerignore names."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()  # noqa: S603 (git)
    for name in names:
        if not _ignored(name) and (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / name)
    return place


@dataclass
class Building:
    """One stage being built: `root` stands for the image's own file system."""

    root: Path
    context: Path
    others: Mapping[str, Path] = field(default_factory=dict)
    """The file systems of the stages that it copies from."""
    values: dict[str, str] = field(default_factory=dict)
    """Arguments and environment."""
    workdir: str = "/"

    def build(self, stage: Stage) -> None:
        """Every instruction in order; raises `CalledProcessError` when one fails."""
        for instruction, rest in stage.steps:
            match instruction:
                case "WORKDIR":
                    self.workdir = rest
                    self._inside(rest).mkdir(parents=True, exist_ok=True)
                case "ARG":
                    self._default(rest)
                case "ENV":
                    self.values |= dict(word.split("=", 1) for word in self._said(rest).split())
                case "COPY":
                    self._copy(self._said(rest).split())
                case "RUN" if not rest.startswith(UNTRIED):
                    self._run(re.sub(r"--mount=\S+ ", "", rest))

    def environment(self) -> dict[str, str]:
        """Paths of the image are found under `root`; how packages are fetched is this machine's business."""
        own = {
            name: str(self._inside(text)) if text.startswith("/") else text
            for name, text in self.values.items()
        }
        return os.environ | own | _QUICK

    def _default(self, rest: str) -> None:
        name, _, default = rest.partition("=")
        self.values.setdefault(name, self._said(default))

    def _copy(self, words: list[str]) -> None:
        start = self.context
        if words[0].startswith("--from="):
            start = self.others[words.pop(0).removeprefix("--from=")]
        *sources, target = words
        for source in sources:
            origin = start / source.lstrip("/")
            goal = self._inside(target)
            if origin.is_dir():
                shutil.copytree(origin, goal, dirs_exist_ok=True)
            else:
                shutil.copy(origin, goal / origin.name if target.endswith("/") else goal)

    def _run(self, line: str) -> None:
        tools = Path(sys.executable).parent  # uv is here
        env = self.environment()
        env["PATH"] = f"{tools}:{env['PATH']}"
        subprocess.run(["sh", "-c", line], cwd=self._inside(self.workdir), env=env, check=True)  # noqa: S603, S607

    def _inside(self, path: str) -> Path:
        return self.root / str(Path(self.workdir, path)).lstrip("/")

    def _said(self, text: str) -> str:
        return Template(text).substitute(self.values)


def _lines() -> Iterator[tuple[str, str]]:
    text = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    for line in re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", text)).splitlines():
        if line:
            instruction, _, rest = line.partition(" ")
            yield instruction, rest


def _ignored(name: str) -> bool:
    """The last line that fits decides."""
    verdict = False
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        if line and not line.startswith("#") and _fits(name, line.removeprefix("!")):
            verdict = not line.startswith("!")
    return verdict


def _fits(name: str, pattern: str) -> bool:
    """A directory's fate is that of all in it."""
    parts = name.split("/")
    if pattern.startswith("**/"):
        return any(fnmatch(part, pattern[3:]) for part in parts)
    return fnmatch("/".join(parts[: pattern.count("/") + 1]), pattern)
