"""Makes the labelled sets of accounts: two lists of about the same length, and what belongs to what.

Invariant: the same seed, size and stock of names give the same set; every item is clear to `Judge`; and two
items with exactly the same name, alone with it on both sides, always belong together, for the product maps
such pairs by itself.  Nothing in an id or in the order of a list tells what belongs to what.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random

from tests.bench.matching.companies import NameStock, businesses
from tests.bench.matching.evidence import keep_name, prove, psa_record, tell_place, vendor_record
from tests.bench.matching.models import Business, Label, LabelledSet, Record
from tests.bench.matching.perturbations import SHARES, perturb
from tests.bench.matching.resolvability import Judge
from tests.bench.matching.twins import TOLD_BY_PLACE, made_up_core, make_twins

_ABSENT = 0.07
"""The share of accounts without a counterpart, on either side, beside those that are twins of another."""
_TWINS = 0.14
_SECOND = 0.01
"""The share of companies that the marketplace has twice."""
_PASSES = 3


@dataclass(slots=True)
class _Case:
    """One business with its records; either may be missing."""

    business: Business
    vendor: Record | None
    psa: Record | None
    kind: str
    difficulty: str
    twin: bool = False


def labelled_accounts(
    size: int, seed: int, stock: NameStock | None = None, *, names_alone: bool = False
) -> LabelledSet:
    """Return a set with about `size` accounts on either side, of two lists without evidence if so wished."""
    random = Random(f"accounts {seed}")
    cases = _cases(size, random, businesses(stock or NameStock(), seed))
    if names_alone:
        cases = [
            case for case in cases if not (case.difficulty == "absent" and case.kind[6:] in TOLD_BY_PLACE)
        ]
        for record in (record for case in cases for record in (case.vendor, case.psa) if record):
            keep_name(record)
    cases = _clear(cases, random, may_prove=not names_alone)
    random.shuffle(cases)
    return _labelled(cases, random)


def _cases(size: int, random: Random, source: Iterator[Business]) -> list[_Case]:
    cases: list[_Case] = []
    bought = 0
    while bought < size:
        before = len(cases)
        business = next(source)
        chance = random.random()
        if chance < _TWINS / 2 and (made := make_twins(business, random)):
            cases += _twin_cases(*made, random)
        elif chance < _TWINS / 2 + 0.005:
            cases += _old_name_cases(business, next(source), random)
        elif chance > 1 - _ABSENT:
            cases.append(_case(business, random, "unknown", "absent", side="vendor"))
            other = next(source)
            cases.append(_case(other, random, "nobody buys", "absent", side="psa"))
        else:
            cases += _pair(business, random)
        bought += sum(case.vendor is not None for case in cases[before:])
    return cases


def _pair(business: Business, random: Random) -> list[_Case]:
    """Return a business on both sides, its name changed on either of them, after the shares of life."""
    difficulty = random.choices(list(SHARES), list(SHARES.values()))[0]
    changed = perturb(business, difficulty, random) if difficulty != "exact" else None
    if changed is None:
        case = _case(business, random, "same name", "exact")
    else:
        case = _case(business, random, changed[1].kind, difficulty, name=changed[0])
        assert case.vendor
        assert case.psa
        if changed[1].needs_evidence or random.random() < 0.1:
            prove(case.vendor, case.psa, business, random)
        if random.random() < 0.4:
            case.vendor["name"], case.psa["name"] = case.psa["name"], case.vendor["name"]
    cases = [case]
    if random.random() < _SECOND and (again := perturb(business, "light", random)) and case.vendor:
        second = replace(
            case, vendor=vendor_record(again[0], business, random), kind="second account", difficulty="medium"
        )
        cases.append(second)
    return cases


def _twin_cases(kind: str, first: Business, second: Business, random: Random) -> list[_Case]:
    """Return two twins: both on both sides, one of them on the PSA's side alone, or on the vendor's alone."""
    sides = random.choice((("", ""), ("", ""), ("", "psa"), ("", "vendor"), ("psa", "vendor")))
    if "vendor" in sides and second.domain == first.domain:
        second = replace(second, domain=f"{second.town.lower()[:3]}{second.domain}")
    cases = []
    for business, side in zip((first, second), sides, strict=True):
        changed = perturb(business, "light", random) if random.random() < 0.4 and not side else None
        name = changed[0] if changed else business.name
        difficulty = "absent" if side else "twin"
        case = _case(business, random, f"twin: {kind}", difficulty, side=side, name=name)
        if kind in TOLD_BY_PLACE or random.random() < 0.2:
            for record in filter(None, (case.vendor, case.psa)):
                tell_place(record, business)
        cases.append(replace(case, twin=True))
    return cases


def _old_name_cases(business: Business, other: Business, random: Random) -> list[_Case]:
    """Return a business that is called anew, and another that carries its old name now."""
    renamed = replace(business, core=made_up_core(random), trade="", generic="", latin="")
    word = random.choice(("formerly", "fka", "previously", "was"))
    name = f"{renamed.name} ({word} {other.core})"
    first = _case(renamed, random, "twin: old name", "twin", name=name)
    second = _case(other, random, "twin: old name", "twin")
    return [replace(first, twin=True), replace(second, twin=True)]


def _case(
    business: Business, random: Random, kind: str, difficulty: str, *, side: str = "", name: str = ""
) -> _Case:
    """Return a business with its records, on one side or on both; the vendor has it under `name`."""
    vendor = vendor_record(name or business.name, business, random) if side != "psa" else None
    psa = psa_record(business.name, business, random) if side != "vendor" else None
    return _Case(business, vendor, psa, kind, difficulty)


def _clear(cases: list[_Case], random: Random, *, may_prove: bool) -> list[_Case]:
    """Prove or rename what is doubtful, some times over, and leave out what still is."""
    _number(cases)
    doubtful = _doubtful(cases, range(len(cases)))
    for _ in range(_PASSES):
        doubtful = _doubtful(cases, [at for at in doubtful if _mend(cases[at], random, may_prove=may_prove)])
    while doubtful := _doubtful(cases, range(len(cases))):
        # An item that is left out may have been another's namesake, and the other stands alone then.
        gone = {*doubtful}
        cases = [case for at, case in enumerate(cases) if at not in gone]
    return cases


def _doubtful(cases: list[_Case], places: Iterable[int]) -> list[int]:
    """Return which of these places hold a case that is not clear, or that equality would mislead about."""
    items = [*{case.psa["id"]: case.psa for case in cases if case.psa}.values()]
    judge = Judge(items)
    named = Counter(case.vendor["name"] for case in cases if case.vendor)
    carried = Counter(item["name"] for item in items)
    owners = {item["name"]: item["id"] for item in items}
    found: list[int] = []
    for at in places:
        if (vendor := cases[at].vendor) is None:
            continue
        psa, name = cases[at].psa, vendor["name"]
        true = psa["id"] if psa else None
        misleads = named[name] == carried[name] == 1 and owners[name] != true
        if misleads or not judge.is_clear(vendor, true):
            found.append(at)
    return found


def _mend(case: _Case, random: Random, *, may_prove: bool) -> bool:
    """Give a doubtful pair evidence or another name; return whether anything could be done."""
    if case.psa is None or case.vendor is None:
        return False
    if may_prove and (case.twin or case.difficulty == "exact" or random.random() < 0.5):
        prove(case.vendor, case.psa, case.business, random)
        if case.twin:
            tell_place(case.vendor, case.business)
            tell_place(case.psa, case.business)
        return True
    changed = perturb(case.business, case.difficulty, random) if case.difficulty in SHARES else None
    if changed is None or (changed[1].needs_evidence and not may_prove):
        return may_prove or changed is not None
    case.vendor["name"], case.psa["name"], case.kind = changed[0], case.business.name, changed[1].kind
    if changed[1].needs_evidence:
        prove(case.vendor, case.psa, case.business, random)
    return True


def _number(cases: list[_Case]) -> None:
    """Give PSA items ids to work with; a company that is bought for twice has one."""
    for at, case in enumerate(cases):
        if case.psa:
            case.psa.setdefault("id", f"{at}")


def _labelled(cases: list[_Case], random: Random) -> LabelledSet:
    """Number both lists in orders of their own."""
    made = LabelledSet("accounts")
    items = [*{id(case.psa): case.psa for case in cases if case.psa}.values()]
    random.shuffle(items)
    numbers = random.sample(range(10**5, 10**6 + 9 * len(items)), len(items))
    for item, number in zip(items, numbers, strict=True):
        item["id"] = f"{number}"
        made.psa.append(item)
    for at, case in enumerate(case for case in cases if case.vendor):
        assert case.vendor
        case.vendor["id"] = f"v{at:06}"
        made.vendor.append(case.vendor)
        made.truth[case.vendor["id"]] = Label(
            case.psa["id"] if case.psa else None, case.kind, case.difficulty
        )
    return made
