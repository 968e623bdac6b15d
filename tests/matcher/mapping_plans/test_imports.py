"""A file becomes a plan: what each row would change, and nothing is decided."""

import json
from typing import Any

import pytest
from catalogue_builders import PSA, a_psa, a_psa_account, a_vendor_account, an_integration
from plan_world import HEAD, PlanWorld, accounts

from matcher.mapping_plans.models import FileRefused, PlanRow, RowOutcome, StandingDecision, WantedDecision
from matcher.mappings.models import PsaItemRef
from shared.contracts.matcher import MappingDecision, MappingMethod


async def outcomes(plans: PlanWorld, text: str, **more: Any) -> list[str]:
    return [row.outcome.value for row in await plans.rows(await plans.plan(text, **more))]


def target_of(row: PlanRow) -> PsaItemRef | None:
    return row.wanted.target if row.wanted else None


async def sentence(plans: PlanWorld, text: str) -> str:
    [row] = await plans.rows(await plans.plan(text))
    assert row.outcome is RowOutcome.ERROR
    return row.sentence or ""


async def test_a_plan_says_what_each_row_changes_and_decides_nothing(plans: PlanWorld) -> None:
    await plans.client.world.approve("2", "8")
    await plans.client.world.exclude("3")
    before = await plans.client.world.published()

    plan = await plans.plan(accounts(("1", "7"), ("2", "8")) + "account,revoked,3,,\r\n")

    assert [row.outcome.value for row in await plans.rows(plan)] == ["new", "unchanged", "revoked"]
    assert (plan.counts.by_outcome[RowOutcome.NEW], plan.counts.applicable) == (1, 2)
    assert await plans.client.world.published() == before


async def test_a_row_shows_what_stands_and_who_decided_it(plans: PlanWorld) -> None:
    standing = await plans.client.world.approve("1", "8")

    [row] = await plans.rows(await plans.plan(accounts(("1", "7"))))

    assert row.outcome is RowOutcome.CHANGED
    assert row.standing == StandingDecision.of(standing)
    assert row.wanted == WantedDecision(
        MappingDecision.APPROVED, MappingMethod.IMPORT, PsaItemRef(PSA, "7"), "imported from file.csv"
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("account,approved,77,7,", "no vendor account with the id '77'"),
        ("account,approved,1,77,", "no PSA account with the id '77'"),
        ("contact,approved,1,7,", "write account or service"),
        ("account,maybe,1,7,", "write approved, excluded or revoked"),
        ("account,,1,,", "name a PSA item"),
        ("account,excluded,1,,", "gives no reason"),
        ("account,excluded,1,,  ", "gives no reason"),
        ("account,excluded,1,7,ours", "and names a PSA item"),
        ("account,approved,,7,", "names no vendor account"),
        ("account,approved,1,,", "names no PSA account"),
        ("account,approved,1,7", "4 cells"),
        (f"account,excluded,1,,{'x' * 501}", "longer than 500"),
        ("account,approved,1\x1b,7,", "no vendor account"),
    ],
)
async def test_a_row_that_cannot_be_applied_says_why(plans: PlanWorld, row: str, words: str) -> None:
    assert words in await sentence(plans, HEAD + row)


async def test_a_company_that_is_inactive_or_gone_is_an_error(plans: PlanWorld) -> None:
    await plans.client.world.receive(a_psa_account("8", "Company 8", active=False, revision=2))
    await plans.client.world.receive(a_psa_account("9", "Company 9", present=False, revision=2))

    assert "(Company 8) is inactive" in await sentence(plans, accounts(("1", "8")))
    assert "(Company 9) is gone" in await sentence(plans, accounts(("1", "9")))


async def test_what_stands_already_is_unchanged_though_its_company_is_inactive(plans: PlanWorld) -> None:
    await plans.client.world.approve("1", "8")
    await plans.client.world.receive(a_psa_account("8", "Company 8", active=False, revision=2))

    assert await outcomes(plans, accounts(("1", "8"))) == ["unchanged"]


async def test_the_same_item_twice_is_an_error_and_a_contradiction_is_one_in_both_rows(
    plans: PlanWorld,
) -> None:
    text = accounts(("1", "7"), ("2", "7"), ("1", "7"), ("2", "8"), ("3", "9"))

    plan = await plans.plan(text)
    rows = await plans.rows(plan)

    assert [row.outcome.value for row in rows] == ["new", "error", "error", "error", "new"]
    assert "row 1 decides on account 1 already: leave one" in (rows[2].sentence or "")
    assert "row 4" in (rows[1].sentence or "")
    assert "row 2" in (rows[3].sentence or "")
    assert plan.counts.by_outcome[RowOutcome.ERROR] == 3


async def test_items_are_named_by_code_or_name_where_that_is_unique(plans: PlanWorld) -> None:
    head = "kind,vendor_name,psa_code,psa_name\n"
    await plans.client.world.receive(a_psa_account("91", "Twin"), a_psa_account("92", "Twin"))

    [by_code] = await plans.rows(await plans.plan(head + "account,Customer 1,C7,\n"))
    [by_name] = await plans.rows(await plans.plan(head + "account,Customer 1,,Company 8\n"))

    assert (target_of(by_code), target_of(by_name)) == (PsaItemRef(PSA, "7"), PsaItemRef(PSA, "8"))
    assert "2 times a PSA account with the name 'Twin' (91, 92)" in await sentence(
        plans, head + "account,Customer 1,,Twin\n"
    )


async def test_with_two_integrations_of_a_side_a_row_must_say_which(plans: PlanWorld) -> None:
    await plans.client.world.receive(
        a_psa("int_second"), a_psa_account("7", "Other", integration_id="int_second")
    )
    head = "kind,vendor_id,psa_integration_id,psa_provider,psa_realm,psa_id\n"

    assert "there are 2 psa integrations" in await sentence(plans, head + "account,1,,,,7\n")
    assert "no psa integration int_third" in await sentence(plans, head + "account,1,int_third,,,7\n")
    [by_realm] = await plans.rows(await plans.plan(head + "account,1,,connectwise,realm of int_second,7\n"))
    assert target_of(by_realm) == PsaItemRef("int_second", "7")


async def test_ids_of_another_tenant_are_not_found(plans: PlanWorld) -> None:
    other: dict[str, Any] = {"tenant_id": "other"}
    await plans.client.world.receive(
        an_integration("int_theirs", **other),
        a_psa("int_their_psa", **other),
        a_vendor_account("44", "Theirs", integration_id="int_theirs", **other),
    )
    head = "kind,decision,vendor_integration_id,vendor_id,reason\n"

    assert "no vendor account with the id '44'" in await sentence(plans, HEAD + "account,excluded,44,,ours")
    assert "no vendor integration int_theirs" in await sentence(
        plans, head + "account,excluded,int_theirs,44,ours"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("kind,vendor,psa_id\n", "no column 'vendor'"),
        ("vendor_id,psa_id\n", "'kind' is missing"),
        ("kind,psa_id\n", "one of the columns vendor_id, vendor_code, vendor_name is missing"),
        ("kind,vendor_id\n", "one of the columns decision, psa_id"),
        ("kind,kind,vendor_id,psa_id\n", "comes twice"),
        (HEAD + 'account,approved,1,7,"never closed', "cannot be read from row 1"),
        (HEAD + "account,approved,1,7," + "x" * 140_000, "line 2 has more than 131,072 characters"),
    ],
)
async def test_a_file_with_other_columns_is_refused_as_a_whole(
    plans: PlanWorld, text: str, words: str
) -> None:
    with pytest.raises(FileRefused, match=words):
        await plans.plan(text)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (accounts(("1", "7")).encode("utf-16"), "the file is in UTF-16: save the file as UTF-8"),
        (accounts(("1", "7")).encode("utf-16-le"), "zero bytes, as UTF-16"),
        (accounts(("1", "7")).encode("utf-32"), "the file is in UTF-32"),
        ((HEAD + "account,excluded,1,,f\xfcr uns").encode("latin-1"), "line 2 holds the byte 0xFC"),
    ],
    ids=["utf-16", "utf-16 without a mark", "utf-32", "latin-1"],
)
async def test_another_encoding_is_refused_and_named(plans: PlanWorld, content: bytes, words: str) -> None:
    with pytest.raises(FileRefused, match=words):
        await plans.plan(content)


@pytest.mark.parametrize("divider", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
async def test_commas_semicolons_and_tabs_divide_with_a_byte_order_mark_or_without(
    plans: PlanWorld, divider: str, mark: str
) -> None:
    text = mark + accounts(("1", "7")).replace(",", divider)

    assert await outcomes(plans, text) == ["new"]


async def test_json_says_the_same_as_csv(plans: PlanWorld) -> None:
    rows = [
        {"kind": "account", "vendor_id": "1", "psa_integration_id": PSA, "psa_id": "7", "reason": None},
        {"kind": "account", "decision": "excluded", "vendor_id": "2", "reason": "für uns"},
        {"kind": "account", "vendor_id": ["2"]},
        {"kind": "account", "what": "2"},
        "row",
    ]

    plan = await plans.plan(json.dumps(rows), is_json=True)
    found = await plans.rows(plan)

    assert [row.outcome.value for row in found] == ["new", "new", "error", "error", "error"]
    assert "'vendor_id' is no text" in (found[2].sentence or "")
    assert "no field 'what'" in (found[3].sentence or "")


@pytest.mark.parametrize(
    "text", ["", "{}", "[1", '[{"kind": "account"} 2]', '[{"kind": }]', "[" + "x" * 200_000]
)
async def test_json_that_is_no_list_is_refused(plans: PlanWorld, text: str) -> None:
    with pytest.raises(FileRefused, match="JSON"):
        await plans.plan(text, is_json=True)


async def test_what_a_complete_file_does_not_name_is_revoked_and_is_left_alone_otherwise(
    plans: PlanWorld,
) -> None:
    await plans.client.world.approve("2", "8")
    await plans.client.world.exclude("3")
    text = accounts(("1", "7"))

    assert await outcomes(plans, text) == ["new"]
    assert await outcomes(plans, text, complete=True) == ["new", "revoked", "revoked"]


async def test_the_digest_is_that_of_the_content(plans: PlanWorld) -> None:
    first = await plans.plan(accounts(("1", "7"), ("2", "8")))
    same = await plans.plan(accounts(("1", "7"), ("2", "8")))
    other = await plans.plan(accounts(("1", "8"), ("2", "8")))
    await plans.client.world.approve("1", "9")
    elsewhere = await plans.plan(accounts(("1", "7"), ("2", "8")))

    assert first.digest == same.digest
    assert len({first.digest, other.digest, elsewhere.digest}) == 3
