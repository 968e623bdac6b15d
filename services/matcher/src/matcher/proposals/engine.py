"""Proposes, for two lists, which PSA item each vendor item is: at most five each, with their probability."""

# Invariant: the proposals of two lists are a function of the lists alone, whatever the order of their
# items; the probabilities of one vendor item's proposals add up to at most 1, and the rest is that it is
# none of them.
#
#   vendor: Contoso Dental, Fabrikam      PSA: Contoso Dental LLC, Northwind
#   → Contoso Dental: Contoso Dental LLC 0.99        Fabrikam: nothing

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from matcher.proposals.account_features import FEATURES, AccountPair, account_features, pair_accounts
from matcher.proposals.account_reasons import account_reasons
from matcher.proposals.accounts import Account, keys_of, read_account
from matcher.proposals.candidates import Candidates, Reach, Searchable, find_candidates
from matcher.proposals.model import Matrix, Model, Vector, as_matrix, load_model, probabilities, rank_rows
from matcher.proposals.rarity import rarity_of
from matcher.proposals.reasons import Reason
from matcher.proposals.records import AccountRecord, ServiceRecord
from matcher.proposals.service_features import SERVICE_FEATURES, ServicePair, pair_services, service_features
from matcher.proposals.service_reasons import service_reasons
from matcher.proposals.services import (
    ServiceTexts,
    read_service,
    service_keys,
    short_for,
    vendor_lexicon_of,
)
from shared.contracts.base import Side

MOST_PROPOSALS = 5
LEAST_PROBABILITY = 0.01
"""Below it a proposal is noise to a person."""
ACCOUNT_REACH = Reach(nearest=8, shared_by_at_most=12)
_SERVICE_REACH = Reach(nearest=16, shared_by_at_most=60)
"""One product stands in a catalogue once for each term and billing period, so more are near; and a word that
many products have ("gravityzone") may be all that two names share."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One PSA item that a vendor item may be."""

    psa_id: str
    probability: float
    reasons: tuple[Reason, ...] = ()
    """Why, and what speaks against it; empty unless they were asked for."""


def shown(proposals: Sequence[Proposal]) -> list[tuple[object, ...]]:
    """Returns what people see of proposals."""
    return [(one.psa_id, round(one.probability * 1000), one.reasons) for one in proposals]


@dataclass(frozen=True, slots=True)
class Compared:
    """All candidate pairs of two lists with their features."""

    candidates: Candidates
    features: Matrix
    namesakes: Sequence[int]
    """For each vendor row a number that rows of the same name share."""
    explain: Callable[[int], list[Reason]]
    """Returns the reasons of one pair, by its index."""


def compare_accounts(vendor: Sequence[AccountRecord], psa: Sequence[AccountRecord]) -> Compared:
    """Finds the candidates of every vendor account and compares each pair."""
    ours, theirs = [read_account(one) for one in vendor], [read_account(one) for one in psa]
    candidates = find_candidates(
        _searchable_accounts(ours, Side.VENDOR), _searchable_accounts(theirs, Side.PSA), ACCOUNT_REACH
    )
    rarity = rarity_of(one.name.stems for one in (*ours, *theirs))

    def pair(index: int) -> AccountPair:
        row, column, cosine = candidates.at(index)
        return pair_accounts(ours[row], theirs[column], cosine)

    rows = [account_features(pair(index), rarity) for index in range(len(candidates.vendor))]
    return Compared(
        candidates,
        as_matrix(rows, FEATURES),
        namesakes_of([one.name.sorted_stems for one in ours]),
        lambda index: account_reasons(pair(index), rarity),
    )


def compare_services(vendor: Sequence[ServiceRecord], psa: Sequence[ServiceRecord]) -> Compared:
    """Finds the candidates of every vendor service and compares each pair."""
    lexicon = vendor_lexicon_of(vendor)
    ours, theirs = [read_service(one, lexicon) for one in vendor], [read_service(one, lexicon) for one in psa]
    candidates = find_candidates(*_searchable_services(ours, theirs), _SERVICE_REACH)
    rarity = rarity_of(one.words for one in (*ours, *theirs))

    def pair(index: int) -> ServicePair:
        row, column, cosine = candidates.at(index)
        return pair_services(ours[row], theirs[column], cosine)

    rows = [service_features(pair(index), rarity) for index in range(len(candidates.vendor))]
    return Compared(
        candidates,
        as_matrix(rows, SERVICE_FEATURES),
        namesakes_of([one.text for one in ours]),
        lambda index: service_reasons(pair(index), rarity),
    )


def namesakes_of(names: Sequence[str]) -> list[int]:
    numbers = {name: number for number, name in enumerate(names)}
    return [numbers[name] if name else number for number, name in enumerate(names)]


def _searchable_accounts(accounts: Sequence[Account], side: Side) -> Searchable:
    return Searchable([one.text for one in accounts], [keys_of(one, side) for one in accounts])


def _searchable_services(
    ours: Sequence[ServiceTexts], theirs: Sequence[ServiceTexts]
) -> tuple[Searchable, Searchable]:
    vocabulary = {word for one in ours for word in one.words}
    meant = short_for((word for one in theirs for word in (*one.words, *one.code_words)), vocabulary)
    return (
        Searchable([one.text for one in ours], [service_keys(one, Side.VENDOR, {}) for one in ours]),
        Searchable([one.text for one in theirs], [service_keys(one, Side.PSA, meant) for one in theirs]),
    )


def propose_accounts(
    vendor: Sequence[AccountRecord], psa: Sequence[AccountRecord], *, explained: bool = False
) -> dict[str, list[Proposal]]:
    """Returns each vendor account's proposals by its id, the likeliest first; none when none is likely."""
    return _propose(vendor, psa, Procedure(compare_accounts, load_model("accounts"), explained))


def propose_services(
    vendor: Sequence[ServiceRecord], psa: Sequence[ServiceRecord], *, explained: bool = False
) -> dict[str, list[Proposal]]:
    """Returns each vendor service's proposals by its id, the likeliest first; none when none is likely."""
    return _propose(vendor, psa, Procedure(compare_services, load_model("services"), explained))


@dataclass(frozen=True, slots=True)
class Procedure:
    """How one kind of item is proposed, and whether reasons are wanted."""

    compare: Callable[..., Compared]
    model: Model
    explained: bool


def _propose(vendor: Sequence[Any], psa: Sequence[Any], procedure: Procedure) -> dict[str, list[Proposal]]:
    # Sorted, so that which of two equally good comes first does not hang on the order of the lists.
    vendor, psa = (sorted(items, key=lambda one: one.id) for items in (vendor, psa))
    found: dict[str, list[Proposal]] = {one.id: [] for one in vendor}
    if not vendor or not psa:
        return found
    compared = procedure.compare(vendor, psa)
    shares = _probabilities(compared, procedure.model)
    rows, columns = compared.candidates.vendor.tolist(), compared.candidates.psa.tolist()
    for row, pairs in groupby(range(len(rows)), key=rows.__getitem__):
        likeliest = sorted(pairs, key=lambda pair: (-shares[pair], pair))[:MOST_PROPOSALS]
        found[vendor[row].id] = [
            Proposal(
                psa[columns[pair]].id,
                float(shares[pair]),
                tuple(compared.explain(pair)) if procedure.explained else (),
            )
            for pair in likeliest
            if shares[pair] >= LEAST_PROBABILITY
        ]
    return found


def _probabilities(compared: Compared, model: Model) -> Vector:
    return shares_of(compared.candidates, model.pair(compared.features), compared.namesakes, model)


def shares_of(candidates: Candidates, scores: Vector, namesakes: Sequence[int], model: Model) -> Vector:
    """Returns each pair's probability; those of one vendor item add up to at most 1."""
    shares = probabilities(model.rank(rank_rows(candidates, scores, namesakes)))
    rows = candidates.vendor
    totals = np.bincount(rows, shares, minlength=int(rows.max(initial=-1)) + 1)
    return np.asarray(shares / np.maximum(totals, 1.0)[rows], np.float64)
