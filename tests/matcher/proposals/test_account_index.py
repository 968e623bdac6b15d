"""Whatever changes one by one, the index proposes what a full comparison of the present lists proposes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.proposals.account_index import AccountIndex
from matcher.proposals.engine import Proposal, propose_accounts
from matcher.proposals.records import AccountRecord

WORDS = (
    "Contoso",
    "Dental",
    "Care",
    "Smith",
    "Plumbing",
    "Painting",
    "Northwind",
    "Leeds",
    "York",
    "2",
    "SPP",
)
Shown = Mapping[str, list[tuple[object, ...]]]


def names() -> st.SearchStrategy[str]:
    words = st.lists(st.sampled_from(WORDS), min_size=0, max_size=4).map(" ".join)
    return st.tuples(words, st.sampled_from(["", " Ltd", " LLC", " t/a Contoso Care", " GmbH"])).map("".join)


def records(prefix: str, most: int) -> st.SearchStrategy[AccountRecord]:
    return st.builds(
        AccountRecord,
        id=st.integers(0, most).map(lambda number: f"{prefix}{number:02}"),
        name=names(),
        code=st.sampled_from([None, "C1234", "DENT"]),
        tax_id=st.sampled_from([None, "GB123456789"]),
        domains=st.sampled_from([(), ("contoso.example",), ("smith.example",)]),
        town=st.sampled_from([None, "Leeds", "York"]),
    )


def changes(prefix: str, most: int) -> st.SearchStrategy[dict[str, AccountRecord | None]]:
    """A few accounts that come, change, or go."""
    one = st.tuples(records(prefix, most), st.booleans())
    return st.lists(one, max_size=4).map(
        lambda drawn: {record.id: None if gone else record for record, gone in drawn}
    )


def shown(proposals: Mapping[str, Sequence[Proposal]]) -> Shown:
    return {
        id_: [(one.psa_id, round(one.probability * 1000), one.reasons) for one in listed]
        for id_, listed in proposals.items()
        if listed
    }


class Lists:
    """Both lists, and the index that is told of their changes."""

    def __init__(self) -> None:
        self.vendor, self.psa = dict[str, AccountRecord](), dict[str, AccountRecord]()
        self.index = AccountIndex()

    def update(
        self, vendor: Mapping[str, AccountRecord | None], psa: Mapping[str, AccountRecord | None]
    ) -> set[str]:
        for records, changed in ((self.vendor, vendor), (self.psa, psa)):
            for id_, record in changed.items():
                if record is None:
                    records.pop(id_, None)
                else:
                    records[id_] = record
        return self.index.update(vendor, psa)

    def full(self) -> Shown:
        found = propose_accounts(list(self.vendor.values()), list(self.psa.values()), explained=True)
        return shown(found)


@given(st.lists(st.tuples(changes("v", 20), changes("p", 20)), min_size=1, max_size=12))
@settings(max_examples=100, deadline=None)
def test_any_sequence_of_changes_leads_to_what_a_full_comparison_finds(
    steps: list[tuple[dict[str, AccountRecord | None], dict[str, AccountRecord | None]]],
) -> None:
    lists = Lists()
    for vendor, psa in steps:
        before = shown(lists.index.proposals)

        told = lists.update(vendor, psa)

        after = shown(lists.index.proposals)
        assert after == lists.full()
        differs = {id_ for id_ in before.keys() | after.keys() if before.get(id_) != after.get(id_)}
        assert differs & lists.vendor.keys() == told


@pytest.mark.parametrize("seed", range(2))
def test_long_lists_that_change_often_are_compared_as_a_whole(seed: int) -> None:
    """Long enough for words and trigrams that are common, and for keys that too many share."""
    random, lists = Random(seed), Lists()

    def a_name() -> str:
        first = random.choice(
            ["Contoso", "Smith", "Northwind", "Fabrikam", "Alpine", f"Firm{random.random()}"]
        )
        return f"{first} {random.choice(WORDS)} {random.choice(WORDS)} {random.randrange(60)}"

    def some(prefix: str, number: int) -> dict[str, AccountRecord | None]:
        ids = [f"{prefix}{random.randrange(600):03}" for _ in range(number)]
        return {
            id_: AccountRecord(id_, a_name(), domains=(f"{random.randrange(40)}.example",)) for id_ in ids
        }

    lists.update(some("v", 900), some("p", 900))
    for _ in range(40):
        lists.update(some("v", 1), {})
        lists.update({}, some("p", 1))
        lists.update(dict.fromkeys(some("v", 1)), dict.fromkeys(some("p", 1)))

    assert shown(lists.index.proposals) == lists.full()


def test_what_is_told_again_changes_nothing() -> None:
    lists = Lists()
    record = AccountRecord("v1", "Contoso Dental")
    lists.update({"v1": record}, {"p1": AccountRecord("p1", "Contoso Dental LLC")})

    assert lists.update({"v1": replace(record)}, {"p9": None}) == set()


def test_only_what_a_change_concerns_is_told() -> None:
    lists = Lists()
    vendor = {
        f"v{n}": AccountRecord(f"v{n}", name) for n, name in enumerate(["Contoso Dental", "Alpine Ski"])
    }
    psa = {
        f"p{n}": AccountRecord(f"p{n}", name)
        for n, name in enumerate(["Contoso Dental LLC", "Alpine Ski Ltd"])
    }
    first = lists.update(vendor, psa)

    renamed = lists.update({}, {"p1": AccountRecord("p1", "Northwind Traders")})
    gone = lists.update({"v1": None}, {})

    assert first == {"v0", "v1"}
    assert renamed == {"v1"}
    assert gone == set()


def test_a_rival_that_goes_makes_the_other_surer() -> None:
    lists = Lists()
    lists.update(
        {"v1": AccountRecord("v1", "Contoso Dental Care"), "v2": AccountRecord("v2", "Contoso Dental LLC")},
        {"p1": AccountRecord("p1", "Contoso Dental LLC")},
    )
    before = lists.index.proposals["v1"][0].probability

    told = lists.update({"v2": None}, {})

    assert told == {"v1"}
    assert lists.index.proposals["v1"][0].probability > before
