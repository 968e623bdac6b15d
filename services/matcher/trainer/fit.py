"""Fits the weights of both steps on labelled lists, and writes them where the matcher loads them."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from matcher.proposals import engine
from matcher.proposals.account_features import FEATURES
from matcher.proposals.engine import Compared
from matcher.proposals.model import RANK_FEATURES, Weights, rank_rows
from matcher.proposals.service_features import SERVICE_FEATURES
from trainer.account_sets import make_account_set
from trainer.service_sets import make_service_set

SEED = 20_261
_SIZES = (8, 20, 60, 200, 600, 1500, 3000)
_LEAST_ITEMS = 1000
_AGAINST = frozenset(
    (
        *("misspelt", "other_vendor", "other_psa", "other_both", "number_one", "number_both", "branch_one"),
        *("branch_both", "kinship_one", "kinship_both", "form_one", "edition_vendor", "edition_psa"),
        "edition_both",
    )
)
_EITHER = frozenset(
    (
        *("one_word", "by_initials", "code_one", "department_one", "only_evidence", "no_words"),
        *("term_unsaid", "billing_unsaid"),
    )
)
"""What may speak for a pair or against it, in company of other features."""
_RIDGE = 0.5
"""How much large weights cost: what hardly ever occurs keeps a small one."""
_WEIGHTS = Path(engine.__file__).parent

Labelled = tuple[Compared, np.ndarray]
"""The compared lists, and whether each pair is true."""


def account_lists(count: int) -> Iterator[Labelled]:
    rng = Random(SEED)
    for number in range(count):
        size = _SIZES[number % len(_SIZES)]
        for _ in range(max(1, _LEAST_ITEMS // size)):  # as much of short lists as of long ones
            lists = make_account_set(size, rng)
            yield _labelled(lists.vendor, lists.psa, lists.truth, engine.compare_accounts)


def service_lists(count: int) -> Iterator[Labelled]:
    rng = Random(SEED)
    for _ in range(count):
        lists = make_service_set(rng)
        yield _labelled(lists.vendor, lists.psa, lists.truth, engine.compare_services)


def _labelled(
    vendor: Sequence[Any], psa: Sequence[Any], truth: dict[str, str | None], compare: Callable[..., Compared]
) -> Labelled:
    compared = compare(vendor, psa)
    columns = {one.id: column for column, one in enumerate(psa)}
    meant = np.array([columns[target] if (target := truth[one.id]) else -1 for one in vendor])
    return compared, meant[compared.candidates.vendor] == compared.candidates.psa


def fit(lists: list[Labelled], names: tuple[str, ...]) -> dict[str, Any]:
    """Returns the weights of both steps; the second is fitted on the first's scores."""
    pair = _fit_pairs(lists, names)
    rows = list[np.ndarray]()
    for compared, _ in lists:
        rows.append(rank_rows(compared.candidates, pair(compared.features), compared.namesakes))
    rank = LogisticRegression(C=10.0, max_iter=3000).fit(
        np.vstack(rows), np.concatenate([true for _, true in lists])
    )
    return {
        "pair": _said(names, pair.intercept, pair.values),
        "rank": _said(RANK_FEATURES, rank.intercept_[0], rank.coef_[0]),
    }


def _fit_pairs(lists: list[Labelled], names: tuple[str, ...]) -> Weights:
    """Maximises the likelihood of each vendor item's true candidate, or of none, among all its candidates."""
    rows = np.vstack([compared.features for compared, _ in lists]).astype(np.float64)
    true = np.concatenate([true for _, true in lists])
    groups, count = list[np.ndarray](), 0
    for compared, _ in lists:
        groups.append(compared.candidates.vendor + count)
        count += int(compared.candidates.vendor.max(initial=-1)) + 1
    group = np.concatenate(groups)

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        scores = np.clip(rows @ at[:-1] + at[-1], -40, 40)
        powers = np.exp(scores)
        totals = 1 + np.bincount(group, powers, minlength=count)
        slope = powers / totals[group] - true
        penalty = _RIDGE * float(at[:-1] @ at[:-1])
        value = np.log(totals).sum() - scores[true].sum() + penalty
        return value, np.append(rows.T @ slope + 2 * _RIDGE * at[:-1], slope.sum())

    bounds = [*(_bound(name) for name in names), (None, None)]
    start = np.zeros(len(names) + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 1000})
    return Weights(names, float(found.x[-1]), found.x[:-1])


def _bound(name: str) -> tuple[float | None, float | None]:
    """Returns the limits of a weight: what speaks against a pair never speaks for it, nor the reverse."""
    if name in _EITHER:
        return None, None
    return (None, 0.0) if name in _AGAINST or name.endswith("_differs") else (0.0, None)


def _said(names: Sequence[str], intercept: float, values: np.ndarray) -> dict[str, Any]:
    return {
        "intercept": round(float(intercept), 3),
        "weights": {name: round(float(value), 3) for name, value in zip(names, values, strict=True)},
    }


def write(kind: str, weights: dict[str, Any]) -> None:
    path = _WEIGHTS / f"weights_{kind}.json"
    path.write_text(json.dumps(weights, indent=1) + "\n")
    print(f"{path.name}: {len(weights['pair']['weights'])} features")


def main() -> None:
    kinds = sys.argv[1:] or ["accounts", "services"]
    if "accounts" in kinds:
        write("accounts", fit(list(account_lists(49)), FEATURES))
    if "services" in kinds:
        write("services", fit(list(service_lists(120)), SERVICE_FEATURES))
