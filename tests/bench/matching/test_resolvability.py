"""What a patient person could tell from two lists, and what nobody could."""

from typing import Any

import pytest

from tests.bench.matching.resolvability import Judge


def item(name: str, number: str = "", **evidence: Any) -> dict[str, Any]:
    return {"id": number or name, "name": name, "identifier": f"code {number or name}", **evidence}


@pytest.mark.parametrize(
    ("vendor", "psa"),
    [
        ("SMITH PLUMBING", "Smith Plumbing Ltd"),
        ("Mueller Bau", "Müller Bau GmbH"),
        ("Smith & Sons", "Smith and Sons"),
        ("Acme Intl. Mfg", "Acme International Manufacturing"),
        ("Studio Two", "Studio II"),
        ("Smiht Plumbing", "Smith Plumbing"),
        ("IBM", "International Business Machines"),
        ("Север Строй", "Sever Stroy"),
        ("smithplumbing.co.uk", "Smith Plumbing"),
    ],
)
def test_another_spelling_is_clear_when_nothing_else_is_near(vendor: str, psa: str) -> None:
    others = [item("Jones Painting"), item("Leeds Dental Care")]

    assert Judge([item(psa, "7"), *others]).is_clear(item(vendor), "7")


def test_a_name_that_two_items_cover_alike_is_doubtful() -> None:
    judge = Judge([item("Smith Plumbing"), item("Smith Painting")])

    assert not judge.is_clear(item("Smith"), "Smith Plumbing")


def test_evidence_tells_which_of_two_is_meant() -> None:
    judge = Judge([item("Smith Plumbing", domains=["smith-pipes.com"]), item("Smith Painting")])

    assert judge.is_clear(item("Smith", domains=["smith-pipes.com"]), "Smith Plumbing")


def test_a_domain_that_two_branches_share_tells_nothing() -> None:
    shared = {"domains": ["smith.com"]}
    judge = Judge([item("Smith", "1", **shared), item("Smith", "2", **shared)])

    assert not judge.is_clear(item("Smith", "v", **shared), "1")


def test_the_town_tells_one_branch_from_the_other() -> None:
    judge = Judge([item("Smith", "1", town="Leeds"), item("Smith", "2", town="York")])

    assert judge.is_clear(item("Smith", "v", town="Leeds"), "1")


def test_another_name_altogether_needs_strong_evidence() -> None:
    judge = Judge([item("Kestrel Works", "1", taxId="GB 123")])

    assert not judge.is_clear(item("Blue Harbour Trading"), "1")
    assert judge.is_clear(item("Blue Harbour Trading", taxId="GB123"), "1")


def test_an_item_without_a_counterpart_is_doubtful_beside_one_with_its_words() -> None:
    judge = Judge([item("Smith Plumbing Ltd", country="GB"), item("Jones Painting")])

    assert not judge.is_clear(item("Smith Plumbing"), None)
    assert judge.is_clear(item("Smith Painting"), None)
    assert judge.is_clear(item("Smith Plumbing", country="US"), None)
