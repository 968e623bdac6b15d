"""Makes the labelled sets of accounts: two lists of about the same length, and what belongs to what.

Invariant: the same seed, size and stock of names give the same set; every item is clear to `Judge`; and two
items with exactly the same name, alone with it on both sides, always belong together, for the product maps
such pairs by itself.  Nothing in an id or in the order of a list tells what belongs to what.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from tests.bench.matching.companies import NameStock, businesses
from tests.bench.matching.evidence import prove, psa_record, tell_place, vendor_record
from tests.bench.matching.models import Business, Label, LabelledSet, Record
from tests.bench.matching.perturbations import SHARES, perturb
from tests.bench.matching.resolvability import Judge
from tests.bench.matching.twins import make_twins, made_up_core

_ABSENT = 0.07
"""The share of accounts without a counterpart, on either side, beside those that are twins of another."""
_TWINS = 0.14
_SECOND = 0.01
"""The share of companies that the marketplace has twice."""
_PASSES = 4


@dataclass(slots=True)
class _Case:
    """One business with its records; either may be missing."""

    business: Business
    vendor: Record | None
    psa: Record | None
    kind: str
    difficulty: str
    twin: bool = False


def labelled_accounts(size: int, seed: int, stock: NameStock | None = None) -> LabelledSet:
    """Return a set with about `size` accounts on either side."""
    random = Random(f"accounts {seed}")
    cases = _clear(_cases(size, random, businesses(stock or NameStock(), seed)), random)
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
        second = replace(case, vendor=vendor_record(again[0], business, random), kind="second account", difficulty="medium")  # fmt: skip
        cases.append(second)
    return cases


def _twin_cases(kind: str, first: Business, second: Business, random: Random) -> list[_Case]:
    """Return two twins: both on both sides, one of them on the PSA's side alone, or on the vendor's alone."""
    sides = random.choice((("", ""), ("", ""), ("", "psa"), ("", "vendor"), ("psa", "vendor")))
    cases = []
    for business, side in zip((first, second), sides, strict=True):
        changed = perturb(business, "light", random) if random.random() < 0.4 and not side else None
        name = changed[0] if changed else business.name
        difficulty = "absent" if side else "twin"
        case = _case(business, random, f"twin: {kind}", difficulty, side=side, name=name)
        if kind in ("same name abroad", "branches", "surname spelling") or random.random() < 0.2:
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
) -> _Case:  # fmt: skip
    """Return a business with its records, on one side or on both; the vendor has it under `name`."""
    vendor = vendor_record(name or business.name, business, random) if side != "psa" else None
    psa = psa_record(business.name, business, random) if side != "vendor" else None
    return _Case(business, vendor, psa, kind, difficulty)


def _clear(cases: list[_Case], random: Random) -> list[_Case]:
    """Prove, rename or leave out what is doubtful, until everything is clear."""
    for number in range(_PASSES):
        doubtful = _doubtful(cases)
        if not doubtful:
            break
        left_out = {at for at in doubtful if not _mend(cases[at], random, last=number >= _PASSES - 2)}
        cases = [case for at, case in enumerate(cases) if at not in left_out]
    doubtful = _doubtful(cases)
    return [case for at, case in enumerate(cases) if at not in doubtful]


def _doubtful(cases: list[_Case]) -> set[int]:
    _number(cases)
    judge = Judge([*{case.psa["id"]: case.psa for case in cases if case.psa}.values()])
    named = Counter(case.vendor["name"] for case in cases if case.vendor)
    owners = {case.psa["name"]: case.psa["id"] for case in cases if case.psa}
    carried = Counter(item["name"] for item in {case.psa["id"]: case.psa for case in cases if case.psa}.values())
    found: set[int] = set()
    for at, case in enumerate(cases):
        if case.vendor is None:
            continue
        true, name = case.psa["id"] if case.psa else None, case.vendor["name"]
        misleads = named[name] == carried[name] == 1 and owners[name] != true
        if misleads or not judge.is_clear(case.vendor, true):
            found.add(at)
    return found


def _mend(case: _Case, random: Random, *, last: bool) -> bool:
    """Give a doubtful pair evidence, or another name; tell that nothing helps an item without a counterpart."""
    if case.psa is None or case.vendor is None or last:
        return False
    if case.twin or random.random() < 0.5:
        prove(case.vendor, case.psa, case.business, random)
        if case.twin:
            tell_place(case.vendor, case.business)
            tell_place(case.psa, case.business)
    elif changed := perturb(case.business, case.difficulty, random) if case.difficulty != "exact" else None:
        case.vendor["name"], case.psa["name"], case.kind = changed[0], case.business.name, changed[1].kind
        if changed[1].needs_evidence:
            prove(case.vendor, case.psa, case.business, random)
    else:
        prove(case.vendor, case.psa, case.business, random)
    return True


def _number(cases: list[_Case]) -> None:
    for at, case in enumerate(cases):
        if case.psa and "id" not in case.psa:
            case.psa["id"] = f"{at}"
    seen: dict[str, Record] = {}
    for case in cases:
        if case.psa and seen.setdefault(case.psa["id"], case.psa) is not case.psa:
            case.psa["id"] = f"n{len(seen)}{case.psa['id']}"
            seen[case.psa["id"]] = case.psa


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
        made.truth[case.vendor["id"]] = Label(case.psa["id"] if case.psa else None, case.kind, case.difficulty)
    return made
