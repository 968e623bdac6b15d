from datetime import timedelta

from manifest_builders import ACME, CO1, LISTED, an_account_read
from observation_builders import a_subscription

from billing.observations.manifest_parts import ReceivedManifest, complete_manifests, part_document
from billing.observations.manifests import REPLACED, StoredStatements, decide_manifests
from billing.usage.manifest_reader import manifest_of
from shared.contracts.manifest import AccountRead

NEWER = LISTED + 500


def test_of_several_that_are_complete_the_newest_whose_things_are_stored_counts() -> None:
    reads = [an_account_read(ACME, [a_subscription(1, revision=n)], revision=NEWER + n) for n in (1, 2, 3)]

    decision = decide_manifests(received(*reads), None, generation=1, known=StoredStatements({("sub1", 3)}))

    assert decision.effective is not None
    assert decision.effective.revision == NEWER + 2
    assert [one.revision for one in decision.overtaken] == [NEWER + 1]
    assert [one.revision for one in decision.waiting] == [NEWER + 3]


def test_a_manifest_of_an_older_connection_is_in_vain_unless_a_newer_one_counts() -> None:
    reads = [an_account_read(ACME, revision=NEWER + n, generation=n % 2 + 1) for n in (0, 1, 2)]

    decision = decide_manifests(received(*reads), None, generation=2, known=StoredStatements())

    assert decision.effective is not None
    assert decision.effective.revision == NEWER + 1
    assert [one.revision for one in decision.overtaken] == [NEWER]
    assert [(one.revision, reason) for one, reason in decision.in_vain] == [(NEWER + 2, REPLACED)]
    assert decision.waiting == []


def test_accounts_of_both_sides_with_one_id_are_two() -> None:
    assert len(received(an_account_read(ACME), an_account_read(CO1))) == 2


def test_a_number_is_as_old_as_its_reading_and_nothing_as_old_as_the_listing() -> None:
    things = [a_subscription(id_=id_) for id_ in ("sub1", "sub2", "sub3")]
    part = an_account_read(ACME, things)
    read_at = [part.read_from + timedelta(hours=hours) for hours in (30, 30, 31)]
    later = [thing.model_copy(update={"read_at": at}) for thing, at in zip(part.things, read_at, strict=True)]
    fields = received(part.model_copy(update={"things": tuple(later)}))[0].header_fields

    manifest = manifest_of(ACME.encode(), fields)

    assert [manifest.age_of(thing.id) for thing in part.things] == read_at
    assert manifest.read_from == part.read_from
    assert set(manifest.read_at) == {"sub3"}, "what was read with the oldest is not kept one by one"


def received(*parts: AccountRead) -> list[ReceivedManifest]:
    return complete_manifests(part_document(part, part.read_from + timedelta(hours=1)) for part in parts)
