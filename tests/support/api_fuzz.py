"""Runs schemathesis over the APIs of a running system, as different callers, and counts the answers."""

# Each service is fuzzed by four callers at the same time, in a process of `st run` each, whose report of all
# requests is read afterwards. Auth comes last, for an admin who is made up disconnects what is there.
# A run in which nothing got past authentication, or nothing past validation, has tested nothing and fails:
#
#   billing  admin  10 operations  498 cases   0 of 5xx   0 violations   92 % signed in   31 % done

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from auth.people.tokens import TokenSigner
from shared.web.person import Person, Role
from standalone.services import SANDBOX
from standalone.system import System

FUZZ = Path(__file__).parents[1] / "fuzz"
PEOPLE, STRANGERS = ("admin", "viewer"), ("none", "garbage")
SERVICES = ("billing", "matcher", "console", "vendor-sync", "psa-sync", "auth")
ENDLESS = "/events"
"""The event stream stays open; it is excluded for those who may open it, and looked at on its own."""

_MOST_LIMITED = 0.2
"""More of the answers than this being 429 means that something else than the service was tested."""
_REQUEST_TIMEOUT_SECONDS = 30
_STREAM_TIMEOUT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class FuzzPlan:
    """How much is tried, from which seed, and where the reports go."""

    examples: int
    """At most so many made-up requests for each operation, besides the boundary values."""
    seed: int
    reports: Path
    tenant_id: str
    callers: tuple[str, ...] = (*PEOPLE, *STRANGERS)
    phases: str = "examples,coverage,fuzzing"
    """Schemathesis' own names; `coverage` tries boundary values, many for each operation."""

    def examples_of(self, caller: str) -> int:
        """Returns fewer for strangers: whatever they send, they are sent away."""
        return self.examples if caller in PEOPLE else max(1, self.examples // 4)


@dataclass(slots=True)
class FuzzResult:
    """What one caller's requests to one service came to."""

    service: str
    caller: str
    operations: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    violations: set[tuple[str, str]] = field(default_factory=set)
    """Operation and title of each kind of failed check."""
    errors: list[str] = field(default_factory=list)
    """Why the run itself failed."""
    output: str = ""
    """Schemathesis' own account of the violations, each with a curl command that repeats it."""

    @property
    def cases(self) -> int:
        return self.statuses.total()

    @property
    def faults(self) -> int:
        """How many answers were 5xx: 503 too, for nothing is away."""
        return sum(count for status, count in self.statuses.items() if status >= 500)

    def share(self, *statuses: int) -> float:
        """Returns which part of the answers had one of these statuses."""
        return sum(self.statuses[status] for status in statuses) / self.cases if self.cases else 0.0

    @property
    def signed_in(self) -> float:
        return 1 - self.share(401, 405)

    @property
    def done(self) -> float:
        return self.share(200, 201, 202, 204)

    @property
    def failed(self) -> bool:
        return bool(self.faults or self.violations or self.errors)

    def check(self) -> None:
        """Adds an error when the requests did not get to what was to be tested."""
        if not self.operations:
            return
        if self.share(429) > _MOST_LIMITED:
            self.errors.append(f"{self.share(429):.0%} of the requests were put off by 429")
        if self.caller in PEOPLE and not self.done:
            self.errors.append("no request got past authentication and validation")


async def fuzz(system: System, plan: FuzzPlan) -> list[FuzzResult]:
    """Fuzz every service as every caller; raises nothing for what is found."""
    results: list[FuzzResult] = []
    for service in SERVICES:
        described = await _operations(system.urls[service])
        callers = plan.callers if described else ("none",)
        runs = (_fuzz_service(system, plan, service, caller, described=described) for caller in callers)
        results += await asyncio.gather(*runs)
    return results


async def _fuzz_service(
    system: System, plan: FuzzPlan, service: str, caller: str, *, described: int
) -> FuzzResult:
    result = FuzzResult(service, caller, operations=described)
    headers = _headers(system, plan, caller)
    opens_streams = service == "console" and caller in PEOPLE
    if opens_streams:
        await _look_at_stream(system.urls[service], headers, result)
    if described > opens_streams:
        await _run(system, plan, result, headers, excluded=ENDLESS if opens_streams else None)
    result.check()
    return result


async def _run(
    system: System, plan: FuzzPlan, result: FuzzResult, headers: Mapping[str, str], *, excluded: str | None
) -> None:
    report = plan.reports / f"{result.service}-{result.caller}.ndjson"
    report.unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        *_command(f"{system.urls[result.service]}/openapi.json", plan, result.caller),
        *_options(report, headers, excluded),
        env=os.environ | {"SCHEMATHESIS_HOOKS": "hooks", "FUZZ_PROVIDER_URL": system.urls[SANDBOX]},
        cwd=FUZZ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    result.output = output.decode(errors="replace")
    if report.exists():
        _read(report, result)
    if process.returncode and not result.violations:
        result.errors.append(f"schemathesis ended with code {process.returncode}")


def _command(url: str, plan: FuzzPlan, caller: str) -> Iterator[str]:
    yield str(Path(sys.executable).with_name("st"))
    yield from ("--config-file", "schemathesis.toml", "run", url, "--no-color", "--continue-on-failure")
    yield from ("--max-examples", str(plan.examples_of(caller)), "--seed", str(plan.seed))
    yield from ("--phases", plan.phases, "--generation-database", "none")
    yield from ("--request-timeout", str(_REQUEST_TIMEOUT_SECONDS), "--suppress-health-check", "all")


def _options(report: Path, headers: Mapping[str, str], excluded: str | None) -> Iterator[str]:
    yield from ("--report", "ndjson", "--report-ndjson-path", str(report.absolute()))
    for name, value in headers.items():
        yield from ("--header", f"{name}: {value}")
    if excluded:
        yield from ("--exclude-path", excluded)


def _read(report: Path, result: FuzzResult) -> None:
    """Counts the answers and the failed checks of a report: one event a line."""
    with report.open(encoding="utf-8") as lines:
        for line in lines:
            recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
            for interaction in recorder.get("interactions", {}).values():
                if response := interaction.get("response"):
                    result.statuses[response["status_code"]] += 1
            for checks in recorder.get("checks", {}).values():
                result.violations |= {_kind(recorder, one) for one in checks if one["status"] == "failure"}


def _kind(recorder: Mapping[str, Any], check: Mapping[str, Any]) -> tuple[str, str]:
    return recorder["label"], check["failure_info"]["failure"]["title"]


async def _operations(url: str) -> int:
    """Returns how many operations a service describes."""
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        description = (await client.get("/openapi.json")).raise_for_status().json()
    return sum(len(methods) for methods in description["paths"].values())


async def _look_at_stream(url: str, headers: Mapping[str, str], result: FuzzResult) -> None:
    """Opens the event stream, reads its beginning and closes it."""
    async with (
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=_STREAM_TIMEOUT_SECONDS) as client,
        client.stream("GET", ENDLESS, headers=dict(headers)) as response,
    ):
        result.statuses[response.status_code] += 1
        if not response.headers["content-type"].startswith("text/event-stream"):
            result.violations.add((f"GET {ENDLESS}", "Undocumented Content-Type"))
        # The stream of a tenant without runs begins with the comment that keeps it open, every 15 seconds.
        await anext(response.aiter_lines())


def _headers(system: System, plan: FuzzPlan, caller: str) -> dict[str, str]:
    match caller:
        case "none":
            return {}
        case "garbage":
            return {"Authorization": "Bearer eyJhbGciOiJFZDI1NTE5In0.e30.AAAA"}
        case role:
            person = Person(plan.tenant_id, f"per_fuzz_{role}", f"Fuzz {role}", Role[role.upper()])
            signer = TokenSigner(system.credentials.signing_key, "trueup", timedelta(hours=1))
            return {"Authorization": f"Bearer {signer.sign(person, datetime.now(UTC)).token}"}
