"""`make mutants`: breaks rules of the product on purpose, one at a time, and shows that a simulation notices.

Each mutant is a small change of one source file, applied to a copy of the source tree in a temporary folder.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_SOURCES = ("shared", "services/billing", "services/vendor-sync", "services/psa-sync")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule, broken: `old` becomes `new` in a file."""

    invariant: str
    rule: str
    path: str
    old: str
    new: str


_BILLING, _SHARED = "services/billing/src/billing", "shared/src/shared"
MUTANTS = (
    Mutant(
        "a",
        "spans without a common instant are added up",
        f"{_BILLING}/usage/vendor_count.py",
        "if common_span(sources.manifests, sources.item_ids).is_empty:",
        "if False:",
    ),
    Mutant(
        "d",
        "the read-back of a write counts for ever",
        f"{_BILLING}/observations/effective_things.py",
        "        if read_back is None or read_back.revision <= thing.read_revision:",
        "        if read_back is None:",
    ),
    Mutant(
        "c",
        "a manifest counts before what it names is stored",
        f"{_BILLING}/observations/manifests.py",
        "stored = [one for one in candidates if not one.statements.items() & known.unstored]",
        "stored = candidates",
    ),
    Mutant(
        "a",
        "a replica that comes late removes the parts that count",
        f"{_BILLING}/observations/manifest_changes.py",
        'Remove({"_id": part["_id"], "due_at": {"$type": "date"}})',
        'Remove({"_id": part["_id"]})',
    ),
    Mutant(
        "b",
        "what changed is said to be known since ever",
        f"{_SHARED}/sync_engine/account_manifest.py",
        "changed = max(record.changed_revision, thing.changed_revision)",
        "changed = record.changed_revision",
    ),
    Mutant(
        "b",
        "what an account has is known up to its listing, whenever its things were read",
        f"{_SHARED}/sync_engine/account_manifest.py",
        "until[item] = min(until[item], thing.read_revision)",
        "until[item] = max(until[item], thing.read_revision)",
    ),
    Mutant(
        "c",
        "a run is closed by its own word",
        f"{_BILLING}/runs/models.py",
        "if applied >= self.manifests",
        "if applied >= 0",
    ),
    Mutant(
        "e",
        "a write is bound to the quantity alone",
        "services/psa-sync/src/psa_sync/writes/terms.py",
        "        if approved != current:",
        "        if False:",
    ),
    Mutant(
        "g",
        "a result of a write is not sent",
        "services/psa-sync/src/psa_sync/writes/repository.py",
        "await self._outbox.add(messages, session=session, correlation_id=intent.command.approval_id)",
        "pass",
    ),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="in which a mutant must be caught")
    parser.add_argument("--steps", type=int, default=120)
    arguments = parser.parse_args()
    survived = [one for one in MUTANTS if not _is_caught(one, arguments.seeds, arguments.steps)]
    print(f"{len(MUTANTS) - len(survived)} of {len(MUTANTS)} mutants are caught")
    return 1 if survived else 0


def _is_caught(mutant: Mutant, seeds: int, steps: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="trueup-mutant-") as place:
        folder = Path(place)
        for source in (*_SOURCES, "tests/simulation"):
            shutil.copytree(_ROOT / source, folder / source, ignore=shutil.ignore_patterns("__pycache__"))
        file = folder / mutant.path
        text = file.read_text("utf-8")
        if mutant.old not in text:
            raise SystemExit(f"{mutant.path} has changed: no {mutant.old!r} to break any more")
        file.write_text(text.replace(mutant.old, mutant.new), "utf-8")
        paths = [str(folder), *(str(folder / source / "src") for source in _SOURCES)]
        command = [sys.executable, "-m", "tests.simulation", "--seeds", str(seeds), "--steps", str(steps)]
        done = subprocess.run(  # noqa: S603  ours
            [*command, "--shrink", "0"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            text=True,
            check=False,
        )
    told = [line for line in done.stdout.splitlines() if "Violation" in line or "Error" in line]
    verdict = told[-1][:140] if told else "SURVIVED " + done.stderr[-200:]
    print(f"({mutant.invariant}) {mutant.rule}: {verdict}", flush=True)
    return bool(told)


if __name__ == "__main__":
    sys.exit(main())
