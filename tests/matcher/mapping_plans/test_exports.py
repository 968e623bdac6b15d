"""What is exported reads back as it was, and no spreadsheet runs it."""

import csv
import io
import json
from typing import Any

import pytest
from catalogue_builders import a_psa_account, a_vendor_account
from hypothesis import given
from hypothesis import strategies as st
from plan_world import PlanWorld, accounts

from matcher.mapping_plans.file_rows import COLUMNS, guarded, unguarded

ODD = ["=1+1", "+49 30", "-5", "@home", "'til", "''", "'", '"quoted", "twice"', "a;b,c|d", "Zürich 🦷", "'=x"]


async def csv_rows(plans: PlanWorld, **parameters: Any) -> list[dict[str, str]]:
    answer = (await plans.export(**parameters)).raise_for_status()
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def test_an_export_names_both_ends_and_who_decided(plans: PlanWorld) -> None:
    made = await plans.client.world.approve("1", "7")
    await plans.client.world.exclude("2", "our own")

    first, second = await csv_rows(plans)

    assert tuple(first) == COLUMNS
    assert [first[name] for name in ("vendor_id", "vendor_name", "psa_id", "psa_code", "psa_name")] == [
        "1",
        "Customer 1",
        "7",
        "C7",
        "Company 7",
    ]
    assert (first["decided_by"], first["revision"]) == ("ann", str(made.revision))
    assert (second["decision"], second["reason"], second["psa_id"]) == ("excluded", "our own", "")


async def test_what_decides_nothing_is_left_out_and_a_revocation_by_a_person_is_not(
    plans: PlanWorld,
) -> None:
    await plans.client.world.undo(await plans.client.world.approve("1", "7"))
    await plans.client.world.approve("2", "8")
    await plans.client.world.revoke("2")

    assert [(row["vendor_id"], row["decision"]) for row in await csv_rows(plans)] == [("2", "revoked")]


@pytest.mark.parametrize("format_", ["csv", "json"])
async def test_imported_again_an_export_changes_nothing(plans: PlanWorld, format_: str) -> None:
    for number, odd in enumerate(ODD):
        await plans.client.world.receive(
            a_vendor_account(f"{odd}{number}", odd), a_psa_account(f"{number}{odd}", f"{odd} Ltd")
        )
        await plans.client.world.approve(f"{odd}{number}", f"{number}{odd}")
    for id_, reason in (("1", "=cmd"), ("2", "'quoted"), ("3", "-")):
        await plans.client.world.exclude(id_, reason)
    exported = (await plans.export(format=format_)).raise_for_status().content

    plan = await plans.plan(exported, is_json=format_ == "json", complete=True)

    assert {row.outcome.value for row in await plans.rows(plan)} == {"unchanged"}
    assert plan.counts.by_outcome["unchanged"] == len(ODD) + 3  # type: ignore[index]  # an enum of texts


async def test_taken_away_and_imported_all_is_as_it_was(plans: PlanWorld) -> None:
    await plans.import_all(accounts(("1", "7"), ("2", "8")))
    await plans.client.world.exclude("3", "=1+1")
    exported = (await plans.export()).content
    for id_ in ("1", "2", "3"):
        await plans.client.world.revoke(id_)

    await plans.apply(await plans.plan(exported))

    assert await plans.decisions() == {"1": "7", "2": "8", "3": "excluded"}
    assert (await plans.newest("3")).reason == "=1+1"


async def test_no_cell_begins_as_a_formula_does(plans: PlanWorld) -> None:
    for number, odd in enumerate(ODD):
        await plans.client.world.receive(a_vendor_account(str(number + 10), odd))
        await plans.client.world.exclude(str(number + 10), odd)

    rows = await csv_rows(plans)

    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert {unguarded(row["vendor_name"]) for row in rows} == set(ODD)


@given(st.text())
def test_a_guarded_cell_reads_back_as_it_was(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell
    assert not guarded(cell).startswith(("=", "+", "-", "@", "\t", "\r"))


async def test_an_export_can_be_of_one_kind_and_of_one_vendor_alone(plans: PlanWorld) -> None:
    await plans.client.world.approve("1", "7")

    assert len(await csv_rows(plans, kind="account")) == 1
    assert await csv_rows(plans, kind="service") == []
    assert await csv_rows(plans, vendor_integration_id="int_other") == []


async def test_json_of_nothing_is_an_empty_list_and_of_something_one_object_for_each(
    plans: PlanWorld,
) -> None:
    assert (await plans.export(format="json")).json() == []
    await plans.client.world.approve("1", "7")
    await plans.client.world.approve("2", "7")

    rows = json.loads((await plans.export(format="json")).text)

    assert [(row["vendor_id"], row["psa_id"], row["reason"]) for row in rows] == [
        ("1", "7", None),
        ("2", "7", None),
    ]


async def test_a_row_says_that_somebody_decided_after_the_file_was_exported(plans: PlanWorld) -> None:
    await plans.client.world.approve("1", "7")
    await plans.client.world.approve("2", "8")
    exported = (await plans.export()).content
    plans.clock()
    await plans.client.world.approve("1", "9")

    first, second = await plans.rows(await plans.plan(exported))

    assert (first.outcome.value, second.outcome.value) == ("changed", "unchanged")
    assert (first.sentence or "").startswith("decided on since the file was exported, by ann at 2026-")
    assert second.sentence is None
