import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.audit.chain import AuditDraft, AuditEntry, ChainCheck, ChainHead, chain_entries, verify

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
DETAILS = st.dictionaries(
    TEXTS, st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS, max_size=3
)
DRAFTS = st.builds(
    AuditDraft,
    at=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  hypothesis wants naive bounds
    actor=TEXTS,
    action=TEXTS,
    subject=TEXTS,
    details=DETAILS,
)


def test_a_fresh_chain_starts_at_one_and_holds() -> None:
    entries = chain_entries("demo", ChainHead(), [a_draft(), a_draft()])

    assert [entry.seq for entry in entries] == [1, 2]
    assert verify(exported(entries)) == ChainCheck(ChainHead(2, entries[-1].hash))


def test_a_chain_goes_on_from_its_head() -> None:
    first = chain_entries("demo", ChainHead(), [a_draft()])
    then = chain_entries("demo", ChainHead(1, first[0].hash), [a_draft(action="approval.written")])

    assert verify(exported([*first, *then])).intact


def test_an_empty_export_is_intact_and_has_no_entries() -> None:
    assert verify([]) == ChainCheck(ChainHead())


def test_the_final_newline_does_not_matter() -> None:
    lines = exported(chain_entries("demo", ChainHead(), [a_draft(), a_draft()]))

    assert verify("".join(lines).removesuffix("\n").splitlines()).intact


@given(st.lists(DRAFTS, max_size=5))
def test_whatever_is_recorded_verifies(drafts: list[AuditDraft]) -> None:
    entries = chain_entries("demo", ChainHead(), drafts)

    assert verify("".join(exported(entries)).splitlines(keepends=True)).head.seq == len(drafts)
    assert verify(exported(entries)).intact


@given(st.data())
def test_any_single_character_changed_added_or_removed_is_found(data: st.DataObject) -> None:
    lines = exported(chain_entries("demo", ChainHead(), data.draw(st.lists(DRAFTS, min_size=1, max_size=4))))
    at = data.draw(st.integers(0, len(lines) - 1), "line")
    line = lines[at].removesuffix("\n")
    place = data.draw(st.integers(0, len(line) - 1), "place")
    new = data.draw(
        st.sampled_from(["", line[place] + " ", " " + line[place], "0", "a", '"', "é", "\n"]), "new"
    )
    lines[at] = line[:place] + new + line[place + 1 :] + "\n"

    assert verify(lines).intact == (lines[at] == line + "\n")


@given(st.data())
def test_any_line_removed_before_the_end_is_found(data: st.DataObject) -> None:
    lines = exported(chain_entries("demo", ChainHead(), data.draw(st.lists(DRAFTS, min_size=2, max_size=6))))

    del lines[data.draw(st.integers(0, len(lines) - 2))]

    assert not verify(lines).intact


@given(st.data())
def test_any_two_lines_swapped_are_found(data: st.DataObject) -> None:
    lines = exported(chain_entries("demo", ChainHead(), data.draw(st.lists(DRAFTS, min_size=2, max_size=6))))
    first = data.draw(st.integers(0, len(lines) - 2))
    second = data.draw(st.integers(first + 1, len(lines) - 1))

    lines[first], lines[second] = lines[second], lines[first]

    assert not verify(lines).intact


@given(st.data())
def test_a_line_inserted_again_anywhere_is_found(data: st.DataObject) -> None:
    lines = exported(chain_entries("demo", ChainHead(), data.draw(st.lists(DRAFTS, min_size=1, max_size=6))))

    lines.insert(data.draw(st.integers(0, len(lines))), data.draw(st.sampled_from(lines)))

    assert not verify(lines).intact


def test_an_entry_forged_with_a_hash_of_its_own_breaks_the_next() -> None:
    real = chain_entries("demo", ChainHead(), [a_draft(), a_draft()])
    forged = chain_entries("demo", ChainHead(), [a_draft(actor="somebody else")])

    verdict = verify(exported([forged[0], real[1]]))

    assert (
        verdict.problem
        == "line 2: it does not follow entry 1: something before it was removed, added or moved"
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "as it was exported"),
        ("[]", "as it was exported"),
        ("{}", "does not follow"),
        ("NaN", "as it was"),
    ],
)
def test_what_is_no_entry_is_named_by_its_line(line: str, problem: str) -> None:
    lines = exported(chain_entries("demo", ChainHead(), [a_draft()]))

    verdict = verify([*lines, line + "\n"])

    assert verdict.problem is not None
    assert verdict.problem.startswith("line 2: ")
    assert problem in verdict.problem


def test_an_end_cut_off_shows_against_a_noted_head() -> None:
    entries = chain_entries("demo", ChainHead(), [a_draft(), a_draft()])
    head = ChainHead(2, entries[-1].hash)

    assert verify(exported(entries)[:1]).intact
    assert verify(exported(entries)[:1], head=head).problem == "the noted head, entry 2, is not in it"


def test_a_head_noted_earlier_is_met_on_the_way() -> None:
    entries = chain_entries("demo", ChainHead(), [a_draft(), a_draft()])

    assert verify(exported(entries), head=ChainHead(1, entries[0].hash)).intact


def test_another_tenants_entry_does_not_fit_in() -> None:
    entries = chain_entries("demo", ChainHead(), [a_draft()])
    others = chain_entries("other", ChainHead(1, entries[0].hash), [a_draft()])

    assert verify(exported([*entries, *others])).problem == "line 2: it belongs to another tenant"


def test_an_exported_line_reads_as_json_with_every_field() -> None:
    entry = chain_entries("demo", ChainHead(), [a_draft(details={"target": "7"})])[0]

    assert json.loads(entry.line) == {
        "tenant_id": "demo",
        "seq": 1,
        "at": "2026-03-01T12:00:00.123+00:00",
        "actor": "per_ann",
        "action": "approval.recorded",
        "subject": "approval:apr_1",
        "details": {"target": "7"},
        "previous": "0" * 64,
        "hash": entry.hash,
    }


def a_draft(
    *, actor: str = "per_ann", action: str = "approval.recorded", details: dict[str, str] | None = None
) -> AuditDraft:
    at = datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)
    return AuditDraft(
        at=at, actor=actor, action=action, subject="approval:apr_1", details=dict(details or {})
    )


def exported(entries: list[AuditEntry]) -> list[str]:
    return [entry.line + "\n" for entry in entries]
