from datetime import UTC, datetime

from psa_sync.runs.line_record import LineReading, LineRecord

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
NEW = LineRecord("901", "77", collect_revision=10)


def a_reading(
    digest: str = "8 seats", *, revision: int = 10, agrees: bool = True, product: str = "512"
) -> LineReading:
    return LineReading("901", "77", [product], digest, revision, revision, NOW, agrees)


def read(record: LineRecord, reading: LineReading, known: int) -> LineRecord:
    return record.read(reading, known_revision=known, collect_revision=reading.read_revision)


def manifested(digest: str = "8 seats") -> LineRecord:
    """Returns a line as the manifest of revision 20 names it."""
    record = read(NEW, a_reading(digest), 15).since_manifest(20)
    assert record is not None
    return record


def test_a_line_that_was_never_named_has_changed_and_was_of_no_product() -> None:
    record = read(NEW, a_reading(), 15)

    assert (record.changed_revision, record.former_product_ids, record.live) == (15, (), True)


def test_what_every_reading_since_the_manifest_says_has_not_changed() -> None:
    record = read(read(manifested(), a_reading(revision=30), 35), a_reading(revision=40), 45)

    assert (record.changed_revision, record.read_revision, record.former_product_ids) == (0, 40, ["512"])


def test_a_change_dates_from_the_first_reading_that_said_so() -> None:
    record = read(read(manifested(), a_reading("9 seats"), 35), a_reading("9 seats"), 45)

    assert record.changed_revision == 35


def test_what_is_as_before_after_it_was_otherwise_has_changed_twice() -> None:
    record = read(read(manifested(), a_reading("9 seats"), 35), a_reading("8 seats"), 45)

    assert record.changed_revision == 45


def test_a_product_that_a_line_had_between_two_manifests_is_concerned_as_well() -> None:
    other = read(manifested("8 seats of 512"), a_reading("8 seats of 600", product="600"), 35)
    back = read(other, a_reading("8 seats of 512"), 45)

    assert back.thing.items | back.thing.former_items == {"512", "600"}
    assert back.changed_revision == 45


def test_a_statement_that_disagrees_with_the_reading_vouches_for_nothing_before() -> None:
    record = read(manifested(), a_reading("8 seats", agrees=False), 35)

    assert record.changed_revision == 35


def test_the_end_of_a_line_is_pending_until_a_manifest_has_told_of_it() -> None:
    ended = read(manifested(), a_reading(""), 35)

    assert (ended.live, ended.is_pending_end, ended.product_ids) == (False, True, ["512"])
    assert ended.since_manifest(34) == ended
    assert ended.since_manifest(36) is None


def test_a_reading_that_failed_leaves_everything_as_it_was() -> None:
    before = manifested()
    record = before.unread("403", collect_revision=30)

    assert record.thing.unreadable == "403"
    assert (record.digest, record.read_revision, record.changed_revision) == ("8 seats", 10, 0)
    assert read(record, a_reading(revision=40), 45).changed_revision == 0


def test_a_row_that_was_never_understood_is_remembered_as_long_as_it_is_listed() -> None:
    odd = NEW.unread("no product", collect_revision=30)

    assert odd.since_manifest(20) == odd
    assert odd.since_manifest(31) is None
