"""Fails on a dependency with a known vulnerability, or whose licence `.ci/supply_chain.toml` does not allow.

It writes the software bills of materials to `dist/`: `sbom.cdx.json` (Python) and `sbom-console.cdx.json`
(npm), in CycloneDX, which the tools that write them validate.  Where a service of vulnerabilities does not
answer, nothing has passed: it says so and fails.  With `--if-stale`, as `make lint` calls it, it goes on all
the same, for one can work offline, and does nothing when the same locks and rules passed earlier this day.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

RULES = Path(".ci/supply_chain.toml")
CONSOLE = Path("services/console")
DIST = Path("dist")
LOCKS = (Path("requirements.lock"), CONSOLE / "package-lock.json", RULES, Path(__file__))
PYTHON_SBOM, NPM_SBOM = DIST / "sbom.cdx.json", DIST / "sbom-console.cdx.json"
STAMP = DIST / "supply-chain.passed"
OURS = "trueup"
SHIPPED = [f"trueup-{name}" for name in ("auth", "vendor-sync", "psa-sync", "matcher", "billing", "console")]
"""The members that images hold; `trueup-sandbox` is in one too, and needs nothing that these do not."""

VAGUE = ("License :: OSI Approved", "License :: DFSG approved")
"""Classifiers that name no licence."""

Json = dict[str, Any]
Look = Callable[[], Iterable[tuple[str, str]] | None]
"""Returns the package and the id of each known vulnerability; None when nobody can say."""


def main(arguments: list[str]) -> int:
    stamp = f"{datetime.now(UTC).date()} {sha256(b''.join(path.read_bytes() for path in LOCKS)).hexdigest()}"
    if "--if-stale" in arguments and STAMP.exists() and STAMP.read_text("utf-8") == stamp:
        print("supply chain: passed earlier today with the same locks")
        return 0
    DIST.mkdir(exist_ok=True)
    rules = tomllib.loads(RULES.read_text("utf-8"))
    may_reuse = "--if-stale" in arguments
    python = _read(PYTHON_SBOM) if may_reuse and _is_newer(PYTHON_SBOM) else _write_python_sbom()
    npm = _read(NPM_SBOM) if may_reuse and _is_newer(NPM_SBOM) else _write_npm_sbom()
    faults = [*licence_faults(python, rules), *licence_faults(npm, rules), *shipped_faults(python, rules)]
    if not faults:
        counts = f"{len(python['components'])} Python and {len(npm['components'])} npm packages"
        print(f"supply chain: {counts}, their licences allowed; bills of materials in {DIST}/")
    found, unanswered = audit(AUDITS, rules)
    return conclude([*faults, *found], unanswered, stamp, may_go_on=may_reuse)


def conclude(faults: list[str], unanswered: list[str], stamp: str, *, may_go_on: bool) -> int:
    """Say what was found; note a pass only when everybody answered, and return the exit status."""
    if faults:
        print("\n".join(faults))
    if unanswered:
        tools = " and ".join(unanswered)
        print(
            f"supply chain: NOT AUDITED: {tools} reached no service of vulnerabilities from here."
            " Known faults of our dependencies were not looked for: run `make audit` where it reaches one.",
            file=sys.stderr,
        )
    if faults or unanswered:
        STAMP.unlink(missing_ok=True)
        return 1 if faults or not may_go_on else 0
    DIST.mkdir(exist_ok=True)
    STAMP.write_text(stamp, "utf-8")
    return 0


def licence_faults(sbom: Json, rules: Json) -> Iterator[str]:
    """Yield a sentence for each package whose licence is not allowed, and is not excepted by its name."""
    for component in sbom["components"]:
        name, licences = component["name"], licences_of(component)
        licences = licences or list(filter(None, [rules["unstated"].get(name.lower())]))
        if name.startswith(OURS) or name.lower() in rules["exceptions"]:
            continue
        if not licences or not all(is_allowed(licence, rules["allowed"]) for licence in licences):
            found = ", ".join(licences) or "none that it states"
            yield f"{name} {component['version']}: its licence ({found}) is not allowed by {RULES}"


def shipped_faults(sbom: Json, rules: Json) -> Iterator[str]:
    """Yield a sentence for each package that is excepted for tests only and that a service needs."""
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in sbom["dependencies"]}
    names = {component["bom-ref"]: component["name"] for component in sbom["components"]}
    seen: set[str] = set()
    waiting = [ref for ref, name in names.items() if name in SHIPPED]
    while waiting:
        ref = waiting.pop()
        if ref not in seen:
            seen.add(ref)
            waiting += needs.get(ref, [])
    for name in sorted({names[ref] for ref in seen if ref in names}):
        if name.lower() in rules["exceptions"]:
            yield f"{name} is excepted from the allowed licences for tests, and a service needs it"


def licences_of(component: Json) -> list[str]:
    entries = component.get("licenses", [])
    found = [
        entry.get("expression") or entry["license"].get("id") or entry["license"]["name"] for entry in entries
    ]
    return [licence for licence in found if licence not in VAGUE]


def is_allowed(licence: str, allowed: list[str]) -> bool:
    """Tell whether one of the alternatives (`OR`) consists (`AND`) of allowed licences."""
    return any(all(part in allowed for part in choice.split(" AND ")) for choice in licence.split(" OR "))


def python_vulnerabilities() -> Iterator[tuple[str, str]] | None:
    """Return the package and the id of each known vulnerability in the lock; None when nobody can say."""
    # Without pip: the lock is complete, and nothing is to be installed to look at it.
    options = [
        "--disable-pip",
        "--no-deps",
        "-r",
        "requirements.lock",
        "--format",
        "json",
        "--progress-spinner",
        "off",
    ]
    report = _run_json(_tool("pip-audit"), *options)
    if report is None or not any("vulns" in package for package in report["dependencies"]):
        return None  # what the service does not know, pip-audit skips: all of it is no answer
    return (
        (f"{package['name']} {package['version']}", vulnerability["id"])
        for package in report["dependencies"]
        for vulnerability in package.get("vulns", [])
    )


def npm_vulnerabilities() -> Iterator[tuple[str, str]] | None:
    """Return the same of what the console's pages are made from."""
    report = _run_json("npm", "audit", "--omit=dev", "--json", "--prefix", str(CONSOLE))
    if report is None or "vulnerabilities" not in report:
        return None
    return (
        (name, advisory["url"].rpartition("/")[2])
        for name, found in report["vulnerabilities"].items()
        for advisory in found["via"]
        if isinstance(advisory, dict)  # a name says that it is another package's
    )


AUDITS: dict[str, Look] = {"pip-audit": python_vulnerabilities, "npm audit": npm_vulnerabilities}


def audit(audits: dict[str, Look], rules: Json) -> tuple[list[str], list[str]]:
    """Return the faults that the tools found, and the tools that nobody answered."""
    answers = {tool: look() for tool, look in audits.items()}
    known = [found for answer in answers.values() if answer is not None for found in answer]
    return list(vulnerability_faults(known, rules)), [
        tool for tool, answer in answers.items() if answer is None
    ]


def vulnerability_faults(found: Iterable[tuple[str, str]], rules: Json) -> Iterator[str]:
    """Yield a sentence for each vulnerability that is not accepted with a reason."""
    for package, identifier in found:
        if identifier not in rules["accepted"]:
            yield f"{package} has the vulnerability {identifier}: update it, or accept it in {RULES}"


def _write_python_sbom() -> Json:
    options = ["--pyproject", "pyproject.toml", "--mc-type", "application", "--output-reproducible"]
    command = [_tool("cyclonedx-py"), "environment", *options, "-o", str(PYTHON_SBOM), sys.executable]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 (our own command)
    return _read(PYTHON_SBOM)


def _write_npm_sbom() -> Json:
    options = ["--sbom-format", "cyclonedx", "--omit", "dev"]
    command = ["npm", "sbom", *options]
    bill = subprocess.run(command, check=True, capture_output=True, cwd=CONSOLE).stdout  # noqa: S603 (our own command)
    NPM_SBOM.write_bytes(bill)
    return _read(NPM_SBOM)


def _is_newer(target: Path) -> bool:
    # Checking a bill against its schema takes half a minute: it is not made anew for the same locks.
    written = target.stat().st_mtime if target.exists() else 0
    return all(written > lock.stat().st_mtime for lock in LOCKS)


def _run_json(*command: str) -> Json | None:
    """Return what the command prints; None when that is no JSON, as when it reaches nobody."""
    printed = subprocess.run(command, check=False, capture_output=True, text=True).stdout  # noqa: S603 (our own command)
    try:
        report: Json = json.loads(printed)
    except ValueError:
        return None
    return report


def _read(path: Path) -> Json:
    document: Json = json.loads(path.read_text("utf-8"))
    return document


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
