"""Writes labelled sets as the files that `python -m matcher trial` reads, and reads its predictions."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.matching.metrics import Predictions
from tests.bench.matching.models import Label, LabelledSet


def write_set(labelled: LabelledSet, directory: Path) -> tuple[Path, Path]:
    """Write both lists and the truth beside them; return the paths of the lists."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = directory / f"{labelled.kind}_vendor.json", directory / f"{labelled.kind}_psa.json"
    for path, items in zip(paths, (labelled.vendor, labelled.psa), strict=True):
        path.write_text(json.dumps(items, ensure_ascii=False, indent=0), "utf-8")
    truth = {item: truth_of(label) for item, label in labelled.truth.items()}
    (directory / f"{labelled.kind}_truth.json").write_text(
        json.dumps(truth, ensure_ascii=False, indent=0), "utf-8"
    )
    return paths


def truth_of(label: Label) -> dict[str, str | None]:
    return {"psa_id": label.psa_id, "class": label.difficulty, "kind": label.kind}


def read_truth(path: Path) -> Mapping[str, Label]:
    document: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return {item: Label(each["psa_id"], each["kind"], each["class"]) for item, each in document.items()}


def read_predictions(path: Path) -> Predictions:
    return Predictions.from_json(json.loads(path.read_text("utf-8")))
