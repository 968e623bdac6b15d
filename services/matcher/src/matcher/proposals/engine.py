"""Proposes, for two lists, which PSA item each vendor item is: at most five each, with their probability."""

# Invariant: the proposals of two lists are a function of the lists alone, whatever the order of their
# items; the probabilities of one vendor item's proposals add up to at most 1, and the rest is that it is
# none of them.
#
#   vendor: Contoso Dental, Fabrikam      PSA: Contoso Dental LLC, Northwind
#   → Contoso Dental: Contoso Dental LLC 0.99        Fabrikam: nothing

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from matcher.proposals.account_features import FEATURES, account_features, pair_accounts
from matcher.proposals.accounts import Account, keys_of, read_account
from matcher.proposals.candidates import Candidates, Reach, Searchable, find_candidates
from matcher.proposals.model import Matrix, Model, Vector, as_matrix, load_model, probabilities, rank_rows
from matcher.proposals.rarity import Rarity
from matcher.proposals.records import AccountRecord, ServiceRecord
from matcher.proposals.service_features import SERVICE_FEATURES, pair_services, service_features
from matcher.proposals.services import ServiceTexts, read_service, service_keys, vendor_words_of

MOST_PROPOSALS = 5
_LEAST_PROBABILITY = 0.01
"""Below it a proposal is noise to a person."""
_ACCOUNT_REACH = Reach(nearest=8, shared_by_at_most=12)
_SERVICE_REACH = Reach(nearest=16, shared_by_at_most=60)
"""One product stands in a catalogue once for each term and billing period, so more are near; and a word that
many products have ("gravityzone") may be all that two names share."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One PSA item that a vendor item may be."""

    psa_id: str
    probability: float
    features: dict[str, float]
    """What the two have in common and what not: the reasons are made of it."""


@dataclass(frozen=True, slots=True)
class Compared:
    """All candidate pairs of two lists with their features."""

    candidates: Candidates
    features: Matrix


def compare_accounts(vendor: Sequence[AccountRecord], psa: Sequence[AccountRecord]) -> Compared:
    """Finds the candidates of every vendor account and compares each pair."""
    ours, theirs = [read_account(one) for one in vendor], [read_account(one) for one in psa]
    candidates = find_candidates(_searchable_accounts(ours), _searchable_accounts(theirs), _ACCOUNT_REACH)
    rarity = Rarity(one.name.stems for one in (*ours, *theirs))
    rows = [
        account_features(pair_accounts(ours[row], theirs[column], cosine), rarity)
        for row, column, cosine in _each(candidates)
    ]
    return Compared(candidates, as_matrix(rows, FEATURES))


def compare_services(vendor: Sequence[ServiceRecord], psa: Sequence[ServiceRecord]) -> Compared:
    """Finds the candidates of every vendor service and compares each pair."""
    names = vendor_words_of(vendor)
    ours, theirs = [read_service(one, names) for one in vendor], [read_service(one, names) for one in psa]
    candidates = find_candidates(_searchable_services(ours), _searchable_services(theirs), _SERVICE_REACH)
    rarity = Rarity(one.words for one in (*ours, *theirs))
    rows = [
        service_features(pair_services(ours[row], theirs[column], cosine), rarity)
        for row, column, cosine in _each(candidates)
    ]
    return Compared(candidates, as_matrix(rows, SERVICE_FEATURES))


def _searchable_accounts(accounts: Sequence[Account]) -> Searchable:
    return Searchable([one.text for one in accounts], [keys_of(one) for one in accounts])


def _searchable_services(services: Sequence[ServiceTexts]) -> Searchable:
    return Searchable([one.text for one in services], [service_keys(one) for one in services])


def propose_accounts(
    vendor: Sequence[AccountRecord], psa: Sequence[AccountRecord]
) -> dict[str, list[Proposal]]:
    """Returns each vendor account's proposals by its id, the likeliest first; none when none is likely."""
    return _propose(vendor, psa, compare_accounts, load_model("accounts"))


def propose_services(
    vendor: Sequence[ServiceRecord], psa: Sequence[ServiceRecord]
) -> dict[str, list[Proposal]]:
    """Returns each vendor service's proposals by its id, the likeliest first; none when none is likely."""
    return _propose(vendor, psa, compare_services, load_model("services"))


def _each(candidates: Candidates) -> Iterator[tuple[int, int, float]]:
    return zip(candidates.vendor.tolist(), candidates.psa.tolist(), candidates.cosine.tolist(), strict=True)


def _propose(
    vendor: Sequence[Any], psa: Sequence[Any], compare: Callable[..., Compared], model: Model
) -> dict[str, list[Proposal]]:
    # Sorted, so that which of two equally good comes first does not hang on the order of the lists.
    vendor, psa = (sorted(items, key=lambda one: one.id) for items in (vendor, psa))
    found: dict[str, list[Proposal]] = {one.id: [] for one in vendor}
    if not vendor or not psa:
        return found
    compared = compare(vendor, psa)
    scores = model.pair(compared.features)
    shares = _probabilities(compared, scores, model)
    rows = compared.candidates.vendor
    starts = (
        np.r_[np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]]), len(rows)]
        if len(rows)
        else np.zeros(0, int)
    )
    for start, end in pairwise(starts.tolist()):
        order = sorted(range(start, end), key=lambda pair: (-shares[pair], pair))[:MOST_PROPOSALS]
        found[vendor[rows[start]].id] = [
            Proposal(
                psa[compared.candidates.psa[pair]].id,
                float(shares[pair]),
                _named(compared.features[pair], model.pair.names),
            )
            for pair in order
            if shares[pair] >= _LEAST_PROBABILITY
        ]
    return found


def _named(row: Matrix, names: Sequence[str]) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, row, strict=True) if value}


def _probabilities(compared: Compared, scores: Vector, model: Model) -> Vector:
    """Returns each pair's probability; those of one vendor item add up to at most 1."""
    shares = probabilities(model.rank(rank_rows(compared.candidates, scores)))
    rows = compared.candidates.vendor
    totals = np.bincount(rows, shares, minlength=int(rows.max(initial=-1)) + 1)
    return shares / np.maximum(totals, 1.0)[rows]
