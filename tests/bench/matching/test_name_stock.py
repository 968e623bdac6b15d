"""Names and libraries that the bench installs for itself."""

import json
from pathlib import Path

import pytest

from tests.bench.matching.companies import split_form
from tests.bench.matching.name_stock import is_for_bench, read_stock
from tests.bench.matching.packages import refused_licences


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    resources = tmp_path / "investpy" / "resources"
    resources.mkdir(parents=True)
    names = [f"Company {number} Ltd" for number in range(40)]
    rows = [f"united kingdom,x,{name}" for name in names]
    (resources / "stocks.csv").write_text(
        "\n".join(["country,name,full_name", *rows, "atlantis,x,Lost"]), "utf-8"
    )
    german = tmp_path / "mimesis" / "datasets" / "de"
    german.mkdir(parents=True)
    (german / "person.json").write_text(json.dumps({"surnames": ["Abel", "Zorn"]}), "utf-8")
    (german / "address.json").write_text(json.dumps({"city": ["Aach"]}), "utf-8")
    return tmp_path


def test_half_of_the_real_names_are_measured_with_and_the_others_left_for_training(packages: Path) -> None:
    stock = read_stock(packages)

    assert 8 <= len(stock.real) <= 32
    assert all(is_for_bench(name) and country == "GB" for name, country in stock.real)


def test_surnames_and_towns_are_read_by_country_and_may_be_missing(packages: Path) -> None:
    stock = read_stock(packages)

    assert (stock.surnames["DE"], stock.towns["DE"]) == (["Abel", "Zorn"], ["Aach"])
    assert stock.surnames["FR"] == []


@pytest.mark.parametrize(
    ("name", "country", "expected"),
    [
        ("Müller Bau GmbH & Co. KG", "DE", ("Müller Bau", "GmbH & Co. KG")),
        ("Acme Holdings, Inc.", "US", ("Acme Holdings", "Inc.")),
        ("Kogyo Co Ltd", "JP", ("Kogyo", "Co Ltd")),
        ("Plain Name", "GB", ("Plain Name", "")),
    ],
)
def test_a_legal_form_is_split_from_a_name(name: str, country: str, expected: tuple[str, str]) -> None:
    assert split_form(name, country) == expected


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ("License-Expression: MIT", False),
        ("License-Expression: BSD-3-Clause AND MIT", False),
        ("Classifier: License :: OSI Approved :: BSD License", False),
        ("License-Expression: GPL-3.0-only", True),
        ("License: Proprietary", True),
        ("", True),
    ],
)
def test_what_is_installed_for_the_bench_has_an_allowed_licence(
    tmp_path: Path, headers: str, *, refused: bool
) -> None:
    folder = tmp_path / "thing-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Name: thing\nVersion: 1\n{headers}\n\nwords\n", "utf-8")

    assert bool([*refused_licences(tmp_path)]) is refused
