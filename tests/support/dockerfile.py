"""Builds deploy/Dockerfile without an engine: runs its COPY and RUN lines in directories of a test."""

# One directory stands for one stage's file system.  Instructions run in the order of the file; a path of the
# image, such as `/app`, is found under the directory.  Everything that changes what the image holds is done
# (WORKDIR, ARG, ENV, COPY, RUN); USER, CMD and HEALTHCHECK are read by the tests.  Not shown are the base
# image, its system libraries, and who owns the files.

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

UV_INSTALL = "pip install"
"""Begins the line that fetches uv itself: the tests use the uv that is installed."""

_FAST_UV = {"UV_LINK_MODE": "hardlink", "UV_COMPILE_BYTECODE": "0"}


@dataclass(frozen=True)
class Stage:
    """The instructions from one FROM to the next, with the name after AS."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def argument_of(self, instruction: str) -> str:
        """Return what follows the last instruction of this kind."""
        return [rest for step, rest in self.steps if step == instruction][-1]


def parse_stages() -> dict[str, Stage]:
    """Return the stages by name; the last one, which makes the image, has an empty name."""
    found: list[Stage] = []
    for instruction, rest in _instructions():
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(base, name))
        else:
            found[-1].steps.append((instruction, rest))
    return {stage.name: stage for stage in found}


def copy_context(directory: Path) -> Path:
    """Copy what a build can see: the repository's files without those that .dockerignore names."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()  # noqa: S603 (git)
    for name in names:
        if not _ignored(name) and (ROOT / name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, directory / name)
    return directory


@dataclass
class ImageBuild:
    """The build of one stage; the directory `root` stands for the image's file system."""

    root: Path
    context: Path
    stage_roots: Mapping[str, Path] = field(default_factory=dict)
    """The file systems of the stages that this stage copies from."""
    values: dict[str, str] = field(default_factory=dict)
    """Arguments and environment."""
    workdir: str = "/"

    def build(self, stage: Stage) -> None:
        """Run every instruction in order; raises `CalledProcessError` when one fails."""
        for instruction, rest in stage.steps:
            match instruction:
                case "WORKDIR":
                    self.workdir = rest
                    self._inside(rest).mkdir(parents=True, exist_ok=True)
                case "ARG":  # an argument of the build wins over its default
                    name, _, default = rest.partition("=")
                    self.values.setdefault(name, self._substitute(default))
                case "ENV":
                    self.values |= dict(word.split("=", 1) for word in self._substitute(rest).split())
                case "COPY":
                    self._copy(self._substitute(rest).split())
                case "RUN" if not rest.startswith(UV_INSTALL):
                    self._run(re.sub(r"--mount=\S+ ", "", rest))

    def environment(self) -> dict[str, str]:
        """Return the environment of RUN: paths of the image under `root`, the rest of it this machine's."""
        image = {
            name: str(self._inside(text)) if text.startswith("/") else text
            for name, text in self.values.items()
        }
        return os.environ | image | _FAST_UV

    def _copy(self, words: list[str]) -> None:
        source_root = self.context
        if words[0].startswith("--from="):
            source_root = self.stage_roots[words.pop(0).removeprefix("--from=")]
        *sources, target = words
        for source in sources:
            origin = source_root / source.lstrip("/")
            destination = self._inside(target)
            if origin.is_dir():
                shutil.copytree(origin, destination, dirs_exist_ok=True)
            else:
                shutil.copy(origin, destination / origin.name if target.endswith("/") else destination)

    def _run(self, line: str) -> None:
        tools = Path(sys.executable).parent  # uv is in this environment, not in the image's
        env = self.environment()
        env["PATH"] = f"{tools}:{env['PATH']}"
        subprocess.run(["sh", "-c", line], cwd=self._inside(self.workdir), env=env, check=True)  # noqa: S603, S607

    def _inside(self, path: str) -> Path:
        return self.root / str(Path(self.workdir, path)).lstrip("/")

    def _substitute(self, text: str) -> str:
        return Template(text).substitute(self.values)


def _instructions() -> Iterator[tuple[str, str]]:
    text = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    for line in re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", text)).splitlines():
        if line:
            instruction, _, rest = line.partition(" ")
            yield instruction, rest


def _ignored(name: str) -> bool:
    """Whether .dockerignore leaves the file out: the last line that matches decides."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        if line and not line.startswith("#") and _matches(name, line.removeprefix("!")):
            ignored = not line.startswith("!")
    return ignored


def _matches(name: str, pattern: str) -> bool:
    """Whether the pattern matches the file or a directory that it is in."""
    parts = name.split("/")
    if pattern.startswith("**/"):
        return any(fnmatch(part, pattern[3:]) for part in parts)
    return fnmatch("/".join(parts[: pattern.count("/") + 1]), pattern)
