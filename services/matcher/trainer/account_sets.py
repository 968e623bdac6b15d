"""Makes labelled lists of accounts: what a marketplace and a PSA would show, and who is who."""

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from matcher.proposals.names import parse
from matcher.proposals.records import AccountRecord
from trainer.firms import Firm, invent_firm, namesake_of, twin_of
from trainer.spellings import other_form, respell, without_form
from trainer.vocabulary import PLACES

NAMESAKES_FROM = 0.7
"""Share of accounts with evidence from which two firms of one name can be told apart at all."""


_SECOND_ACCOUNTS = 0.02
"""Share of firms that have two accounts at the vendor: both belong to the one in the PSA."""
_RENAMED = 0.02
"""Share of firms that one side still knows by another name: their evidence alone tells."""


@dataclass(frozen=True)
class AccountSet:
    """Two lists and, for each vendor id, the PSA id that is meant; None where there is none."""

    vendor: list[AccountRecord]
    psa: list[AccountRecord]
    truth: dict[str, str | None]


@dataclass(frozen=True)
class Habits:
    """How two lists are kept: which share is spelt alike, has a counterpart, says more than the name."""

    equal: float
    counterpart: float
    evidence: float
    twins: float


def habits(rng: Random) -> Habits:
    return Habits(
        equal=rng.choice((0.0, 0.3, 0.5, 0.7)),
        counterpart=rng.choice((0.6, 0.85, 0.9, 0.95)),
        evidence=rng.choice((0.0, 0.0, 0.4, 0.8)),
        twins=rng.choice((0.05, 0.1, 0.3)),
    )


def make_account_set(size: int, rng: Random) -> AccountSet:
    """Returns lists of about `size` accounts each."""
    kept = habits(rng)
    firms, vendor, psa, truth = (
        _firms(size, kept, rng),
        list[AccountRecord](),
        list[AccountRecord](),
        dict[str, str | None](),
    )
    for at, firm in enumerate(firms):
        draw = rng.random()
        at_vendor, in_psa = (
            (True, True)
            if draw < kept.counterpart
            else (True, False)
            if draw < (1 + kept.counterpart) / 2
            else (False, True)
        )
        alike = rng.random() < kept.equal
        if at_vendor:
            name = firm.name if alike or rng.random() < 0.5 else respell(firm, rng)
            for id_ in (f"v{at}", f"w{at}") if rng.random() < _SECOND_ACCOUNTS else (f"v{at}",):
                vendor.append(_record(AccountRecord(id_, name), firm, kept, rng))
                truth[id_] = f"p{at}" if in_psa else None
                name = without_form(firm, rng) if rng.random() < 0.7 else other_form(firm, rng)
        if in_psa:
            name = firm.name if alike else respell(firm, rng)
            known = _record(AccountRecord(f"p{at}", name), firm, kept, rng)
            renamed = rng.random() < _RENAMED and (known.tax_id or known.domains)
            psa.append(replace(known, name=invent_firm(rng).name) if renamed else known)
    rng.shuffle(vendor)
    rng.shuffle(psa)
    return AccountSet(vendor, psa, truth)


def _firms(size: int, kept: Habits, rng: Random) -> list[Firm]:
    firms, taken = list[Firm](), set[str]()
    while len(firms) < size:
        firm = invent_firm(rng)
        family = [firm]
        if rng.random() < kept.twins / 2:  # brothers of one name, told apart by one word
            sister = twin_of(firm, rng)
            family.append(sister)
            family.append(twin_of(sister, rng))
        while rng.random() < kept.twins:
            family.append(twin_of(rng.choice(family), rng))
        fresh = [one for one in family if " ".join(parse(one.core).stems) not in taken]
        taken |= {" ".join(parse(one.core).stems) for one in fresh}
        firms += fresh
        if fresh and kept.evidence > NAMESAKES_FROM and rng.random() < kept.twins / 10:
            firms.append(namesake_of(firm, rng))
    return firms


def _record(record: AccountRecord, firm: Firm, kept: Habits, rng: Random) -> AccountRecord:
    if rng.random() >= kept.evidence:
        return record
    known: dict[str, tuple[Any, float]] = {
        "tax_id": (firm.tax_id, 0.3),
        "domains": ((firm.domain,), 0.7),
        "town": (firm.town, 0.7),
        "postcode": (firm.postcode, 0.6),
        "country": (firm.country, 0.8),
        "code": (firm.code, 0.4),
    }
    facts = {field: value for field, (value, share) in known.items() if rng.random() < share}
    if "domains" in facts and rng.random() < 0.08:
        facts["domains"] = (f"old-{firm.domain}",)
    if "code" in facts and rng.random() < 0.6:
        facts["code"] = str(rng.randrange(10_000))
    if rng.random() < 0.1:  # another office of the same firm
        moved = {"town": rng.choice(PLACES), "postcode": str(rng.randrange(10_000, 99_999))}
        facts |= {field: value for field, value in moved.items() if field in facts}
    if "country" in facts and rng.random() < 0.02:
        facts["country"] = rng.choice(("US", "GB", "DE"))
    return replace(record, **facts)
