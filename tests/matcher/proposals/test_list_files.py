"""Files of people's own, as spreadsheets and other programs write them."""

from pathlib import Path

import pytest

from matcher.proposals.list_files import load_list
from matcher.proposals.trial_lists import AccountRow, ProductRow, read_rows
from shared.errors import PermanentError


def file(directory: Path, content: str, name: str = "list.csv") -> Path:
    path = directory / name
    path.write_bytes(content.encode())
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_columns_may_be_divided_as_spreadsheets_of_any_country_do(
    tmp_path: Path, delimiter: str, end: str
) -> None:
    path = file(tmp_path, "\ufeff" + delimiter.join(("id", "name")) + end + delimiter.join(("1", "A B")))

    assert load_list(path) == [{"id": "1", "name": "A B"}]


@pytest.mark.parametrize("between", ["\n", "\r\n", "\u2028", "\x85", "\x0b", "; ", ' ""quoted"" '])
def test_a_cell_is_read_as_it_was_written(tmp_path: Path, between: str) -> None:
    path = file(tmp_path, f'id,name\r\n1,"Contoso{between}Ltd"\r\n2,Fabrikam\r\n')

    assert [row["name"] for row in load_list(path)] == [
        f"Contoso{between}Ltd".replace('""', '"'),
        "Fabrikam",
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "has no column `id`: its first line must name the columns, and is ''"),
        ("Number;Company\n1;Contoso\n", "its first line must name the columns, and is 'Number;Company'"),
        ("id,name\n1,Contoso, Ltd\n", "line 2: more cells than the 2 columns: put a text that holds ','"),
        ('id,name\n1,"Contoso\n2,Fabrikam\n', "is not CSV (near line 3): unexpected end of data"),
        ("id,name\n1," + "x" * 200_000, "is not CSV (near line 2): field larger than field limit"),
    ],
)
def test_a_file_that_is_no_list_says_where_and_why(tmp_path: Path, content: str, sentence: str) -> None:
    with pytest.raises(PermanentError) as refused:
        load_list(file(tmp_path, content))

    assert sentence in str(refused.value)


def test_values_that_are_nested_without_end_are_no_list(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="nested too deeply"):
        load_list(file(tmp_path, "[" * 100_000, "list.json"))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("id,name,external_id,identifier\n7,,,ACME\n", "list.csv"),
        ('[{"id": 7, "name": null, "external_id": null, "identifier": "ACME"}]', "list.json"),
    ],
)
def test_a_field_that_holds_nothing_lets_another_one_speak(tmp_path: Path, content: str, name: str) -> None:
    (row,) = read_rows(file(tmp_path, content, name), AccountRow)

    assert (row.id, row.name, row.code) == ("7", "", "ACME")


def test_a_product_without_description_or_tenant_is_read(tmp_path: Path) -> None:
    path = file(tmp_path, '[{"id": 1, "identifier": "M365", "description": null, "tenant": null}]', "p.json")

    (row,) = read_rows(path, ProductRow)

    assert (row.description, row.tenant, row.identifier) == ("", "", "M365")


def test_the_psas_of_two_tenants_may_number_their_products_alike(tmp_path: Path) -> None:
    path = file(tmp_path, "id,tenant,description\n1,a,M365\n1,b,M365\n")

    assert [(row.tenant, row.id) for row in read_rows(path, ProductRow)] == [("a", "1"), ("b", "1")]


def test_a_product_is_once_in_the_psa_of_a_tenant(tmp_path: Path) -> None:
    path = file(tmp_path, "id,tenant,description\n1,a,M365\n1,a,M365\n")

    with pytest.raises(PermanentError, match="row 2: the id 1 was there before"):
        read_rows(path, ProductRow)
