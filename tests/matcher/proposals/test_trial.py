"""The trial on two plain lists, as people run it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from matcher.proposals.services import read_service
from matcher.proposals.trial import main
from matcher.proposals.trial_lists import AccountRow, VendorServiceRow


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def run(directory: Path, vendor: Any, psa: Any, *, kind: str = "accounts", ending: str = "json") -> int:
    lists = [write(directory / f"{side}.{ending}", said) for side, said in (("vendor", vendor), ("psa", psa))]
    return main(
        [
            "--kind",
            kind,
            "--vendor",
            str(lists[0]),
            "--psa",
            str(lists[1]),
            "--out",
            str(directory / "out.json"),
        ]
    )


def predictions(directory: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((directory / "out.json").read_text("utf-8"))
    return found


def test_accounts_are_mapped_and_proposed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vendor = [{"id": "1", "name": "Contoso"}, {"id": 2, "name": "Nordwind GmbH", "domain": "nordwind.de"}]
    psa = [
        {"id": "a", "name": "Contoso"},
        {"id": "b", "name": "Nordwind", "website": "https://www.nordwind.de/x"},
    ]
    assert run(tmp_path, vendor, psa) == 0
    found = predictions(tmp_path)
    assert found["auto"] == {"1": "a"}
    assert found["proposals"]["2"][0]["psa_id"] == "b"
    assert 0.9 < found["proposals"]["2"][0]["score"] <= 1
    assert capsys.readouterr().out == "2 accounts: 1 map themselves, 2 have proposals\n"


def test_services_are_matched_inside_their_tenant(tmp_path: Path) -> None:
    service = {
        "name": "Microsoft 365 E3",
        "mpn": "CFQ7",
        "vendor": "Microsoft",
        "subscriptionPeriod": "P1Y",
        "billingPeriod": "P1M",
    }
    vendor = [{"id": "1", "tenant": "t1", **service}]
    psa = [
        {"id": "a", "tenant": "t2", "identifier": "M365-E3-1Y-M", "description": "Microsoft 365 E3"},
        {"id": "b", "tenant": "t1", "identifier": "M365-E3-1Y-M", "description": "M365 E3 annual"},
    ]
    assert run(tmp_path, vendor, psa, kind="services") == 0
    assert [one["psa_id"] for one in predictions(tmp_path)["proposals"]["1"]] == ["b"]


def test_lists_may_be_csv(tmp_path: Path) -> None:
    assert (
        run(
            tmp_path,
            "id,name,town\n1,Contoso Dental,Leeds\n",
            "id,name\na,Contoso Dental Ltd\n",
            ending="csv",
        )
        == 0
    )
    assert predictions(tmp_path)["proposals"]["1"][0]["psa_id"] == "a"


@pytest.mark.parametrize(
    ("vendor", "sentence"),
    [
        ([{"id": "1"}], "row 1: name: Field required"),
        ([{"id": "1", "name": "A"}, {"id": "1", "name": "B"}], "row 2: the id 1 was there before"),
        ({"id": "1"}, "must hold a list of rows, and holds dict"),
        ("[1,", "is not JSON"),
        (["x"], "row 1"),
    ],
)
def test_a_list_that_cannot_be_used_says_why_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], vendor: Any, sentence: str
) -> None:
    assert run(tmp_path, vendor, []) == 1
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()


def test_another_encoding_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, psa = tmp_path / "vendor.json", write(tmp_path / "psa.json", [])
    path.write_bytes('[{"id": "1", "name": "Müller"}]'.encode("latin-1"))
    assert (
        main(["--kind", "accounts", "--vendor", str(path), "--psa", str(psa), "--out", str(tmp_path / "o")])
        == 1
    )
    assert "is not UTF-8 (byte 23): save it as UTF-8" in capsys.readouterr().err


def test_the_command_needs_no_settings(tmp_path: Path) -> None:
    vendor, psa = write(tmp_path / "v.json", [{"id": "1", "name": "Contoso"}]), write(tmp_path / "p.json", [])
    command = [sys.executable, "-m", "matcher", "trial", "--kind", "accounts"]
    paths = ["--vendor", str(vendor), "--psa", str(psa), "--out", str(tmp_path / "out.json")]
    subprocess.run([*command, *paths], check=True, env={}, capture_output=True)  # noqa: S603 (our own command)
    assert predictions(tmp_path) == {"proposals": {"1": []}, "auto": {}}


def test_domains_are_read_from_every_field_that_may_hold_one() -> None:
    row = {
        "id": "1",
        "name": "A",
        "website": "https://www.contoso.com/x",
        "email": "robin@fabrikam.com",
        "domain": "",
    }
    assert AccountRow.model_validate(row).domains == ("contoso.com", "fabrikam.com")


def test_periods_are_read_as_the_marketplace_writes_them() -> None:
    row = {
        "id": "1",
        "name": "A",
        "subscriptionPeriod": {"type": "year", "duration": 1},
        "billingPeriod": "P1M",
    }
    service = VendorServiceRow.model_validate(row).record()
    assert (read_service(service).term, read_service(service).billing) == ("1 year", "1 month")


def test_a_list_is_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "vendor.json", [{"id": "1", "name": "Contoso"}])
    same = tmp_path / "." / "vendor.json"

    assert main(["--kind", "accounts", "--vendor", str(path), "--psa", str(path), "--out", str(same)]) == 1

    assert "is one of the lists, and would be lost" in capsys.readouterr().err
    assert json.loads(path.read_text("utf-8")) == [{"id": "1", "name": "Contoso"}]


@pytest.mark.parametrize("out", ["", "missing/out.json"])
def test_a_place_that_cannot_be_written_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], out: str
) -> None:
    path = str(write(tmp_path / "list.json", []))

    assert main(["--kind", "accounts", "--vendor", path, "--psa", path, "--out", str(tmp_path / out)]) == 1

    assert "cannot be written: name a file in a directory that exists" in capsys.readouterr().err
