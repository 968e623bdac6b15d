"""What we rest on: which licence or vulnerability stops us, and that images hold no exception."""

import importlib.util
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
from compose_file import ROOT
from packaging.requirements import Requirement

SPEC = importlib.util.spec_from_file_location("supply_chain", ROOT / ".ci/supply_chain.py")
assert SPEC
assert SPEC.loader
supply_chain = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(supply_chain)

RULES: dict[str, Any] = {
    "allowed": ["MIT", "BSD-3-Clause"],
    "exceptions": {"copyleft-store": "only tests start it"},
    "unstated": {"silent": "MIT"},
    "accepted": {"CVE-1": "the code is never reached"},
}


STAMP = "today and these locks"


@pytest.fixture
def stamp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a pass is noted, below a working directory of the test's own."""
    monkeypatch.chdir(tmp_path)
    path: Path = tmp_path / supply_chain.STAMP
    return path


def a_component(name: str, *licences: str) -> dict[str, Any]:
    entries = [{"license": {"name": licence}} for licence in licences]
    return {"name": name, "version": "1", "bom-ref": name, "licenses": entries}


def a_sbom(*components: dict[str, Any], **needs: list[str]) -> dict[str, Any]:
    dependencies = [{"ref": ref.replace("_", "-"), "dependsOn": on} for ref, on in needs.items()]
    return {"components": list(components), "dependencies": dependencies}


@pytest.mark.parametrize(
    "component",
    [
        a_component("plain", "MIT"),
        a_component("either", "GPL-3.0-only OR MIT"),
        a_component("both", "MIT AND BSD-3-Clause"),
        a_component("vague", "MIT", "License :: OSI Approved"),
        a_component("silent"),
        a_component("Copyleft-Store", "GPL-2.0-only"),
        a_component("trueup-billing"),
    ],
    ids=lambda component: component["name"],
)
def test_a_licence_is_allowed(component: dict[str, Any]) -> None:
    assert list(supply_chain.licence_faults(a_sbom(component), RULES)) == []


@pytest.mark.parametrize(
    ("component", "found"),
    [
        (a_component("strict", "GPL-3.0-only"), "GPL-3.0-only"),
        (a_component("part", "MIT AND GPL-3.0-only"), "MIT AND GPL-3.0-only"),
        (a_component("one-of-two", "MIT", "AGPL-3.0-only"), "MIT, AGPL-3.0-only"),
        (a_component("unknown"), "none that it states"),
        (a_component("only-vague", "License :: OSI Approved"), "none that it states"),
    ],
    ids=lambda given: given["name"] if isinstance(given, dict) else "",
)
def test_a_licence_that_is_not_allowed_is_named(component: dict[str, Any], found: str) -> None:
    [fault] = supply_chain.licence_faults(a_sbom(component), RULES)

    assert fault.startswith(f"{component['name']} 1: its licence ({found}) is not allowed")


def test_an_exception_for_tests_is_no_exception_for_a_service() -> None:
    parts = [a_component(name) for name in ("trueup-billing", "driver", "Copyleft-Store")]
    apart = a_sbom(*parts, trueup_billing=["driver"])
    needed = a_sbom(*parts, trueup_billing=["driver"], driver=["Copyleft-Store"])

    assert list(supply_chain.shipped_faults(apart, RULES)) == []
    assert list(supply_chain.shipped_faults(needed, RULES)) == [
        "Copyleft-Store is excepted from the allowed licences for tests, and a service needs it"
    ]


def test_a_known_vulnerability_is_a_fault_unless_it_was_accepted() -> None:
    found = [("driver 1", "CVE-1"), ("driver 1", "CVE-2")]

    [fault] = supply_chain.vulnerability_faults(found, RULES)

    assert fault.startswith("driver 1 has the vulnerability CVE-2: update it, or accept it in")


def nobody_answers() -> None:
    return None


def test_a_tool_that_nobody_answers_is_named_and_is_no_fault() -> None:
    audits = {"pip-audit": lambda: [("driver 1", "CVE-2")], "npm audit": nobody_answers}

    faults, unanswered = supply_chain.audit(audits, RULES)

    assert [fault.partition(":")[0] for fault in faults] == ["driver 1 has the vulnerability CVE-2"]
    assert unanswered == ["npm audit"]


def test_what_passed_is_not_looked_at_again_this_day(stamp_path: Path) -> None:
    assert supply_chain.conclude([], [], STAMP, may_go_on=True) == 0

    assert stamp_path.read_text("utf-8") == "today and these locks"


def test_what_was_not_audited_is_said_loudly_and_is_looked_at_again(
    stamp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert supply_chain.conclude([], ["pip-audit", "npm audit"], STAMP, may_go_on=True) == 0

    said = capsys.readouterr()
    assert "NOT AUDITED: pip-audit and npm audit reached no service of vulnerabilities" in said.err
    assert "make audit" in said.err
    assert not stamp_path.exists()


def test_an_audit_that_was_asked_for_and_could_not_be_made_fails(stamp_path: Path) -> None:
    assert supply_chain.conclude([], ["npm audit"], STAMP, may_go_on=False) == 1

    assert not stamp_path.exists()


def test_a_fault_fails_whoever_answered(stamp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert supply_chain.conclude(["driver 1 is bad"], ["npm audit"], STAMP, may_go_on=True) == 1

    assert "driver 1 is bad" in capsys.readouterr().out
    assert not stamp_path.exists()


def test_a_stamp_of_before_goes_when_it_holds_no_longer(stamp_path: Path) -> None:
    stamp_path.parent.mkdir()
    stamp_path.write_text("yesterday", "utf-8")

    supply_chain.conclude([], ["npm audit"], STAMP, may_go_on=True)

    assert not stamp_path.exists()


def test_our_own_exceptions_each_have_a_reason() -> None:
    rules = tomllib.loads((ROOT / supply_chain.RULES).read_text("utf-8"))

    assert set(rules["exceptions"]) == {"secantusdb", "pyconnectwise"}
    assert all(rules["exceptions"].values())
    assert all(rules["accepted"].values())


@pytest.mark.parametrize("member", [*supply_chain.SHIPPED, "trueup-sandbox"])
def test_no_image_needs_what_is_only_for_tests(member: str) -> None:
    rules = tomllib.loads((ROOT / supply_chain.RULES).read_text("utf-8"))

    assert requirements_of(member) & set(rules["exceptions"]) == set()


def requirements_of(member: str) -> set[str]:
    """All packages that the member needs, and those that they need, with every extra."""
    found: set[str] = set()
    waiting = [member]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        try:
            lines = distribution(name).requires or []
        except PackageNotFoundError:  # for another platform, or an extra that nobody has asked for
            continue
        waiting += [Requirement(line).name.lower() for line in lines]
    return found
