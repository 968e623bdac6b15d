"""A line shows some of its items one by one; counts, seal and ages are of all of them."""

from datetime import timedelta
from decimal import Decimal

from manifest_builders import ACME, BETA, CO1, READ_AT, a_manifest
from observation_builders import NOW, a_subscription, an_agreement_line
from usage_builders import an_account, the_line

from billing.usage.freshness import with_current_ages
from billing.usage.usage_line import SHOWN_ITEMS, CountStatus
from shared.contracts.base import NoNumber
from shared.contracts.vendor_sync import SubscriptionObserved, SubscriptionStatus


def subscriptions(count: int, quantity: int = 5) -> list[SubscriptionObserved]:
    return [a_subscription(quantity, id_=f"sub{number:04}") for number in range(count)]


def test_a_line_of_ordinary_size_shows_all_of_its_items() -> None:
    line = the_line(*subscriptions(SHOWN_ITEMS))

    assert (len(line.evidence.items), line.evidence.more) == (SHOWN_ITEMS, None)


def test_the_smallest_are_summed_up() -> None:
    small = [a_subscription(2, id_="small"), a_subscription(1, id_="tiny")]

    line = the_line(*subscriptions(SHOWN_ITEMS), *small)

    more = line.evidence.more
    assert more
    assert (more.count, more.quantity) == (2, Decimal(3))
    assert line.vendor_count.number == Decimal(5 * SHOWN_ITEMS + 3)
    assert not {"small", "tiny"} & {item.subscription_id for item in line.evidence.items}


def test_an_item_without_a_number_is_shown_for_it_is_why_the_line_has_none() -> None:
    line = the_line(*subscriptions(SHOWN_ITEMS), a_subscription(None, id_="unquantified"))

    assert line.vendor_count.missing is NoNumber.UNQUANTIFIED
    assert "unquantified" in {item.subscription_id for item in line.evidence.items}


def test_what_does_not_count_gives_way_to_what_does() -> None:
    idle = a_subscription(900, id_="idle", status=SubscriptionStatus.PENDING)

    line = the_line(*subscriptions(SHOWN_ITEMS), idle)

    assert {item.standing for item in line.evidence.items} == {CountStatus.COUNTING}
    more = line.evidence.more
    assert more
    assert (more.count, more.quantity, more.accounts) == (1, Decimal(0), ())


def test_the_order_of_news_shows_in_nothing() -> None:
    many = subscriptions(3 * SHOWN_ITEMS)

    assert the_line(*many) == the_line(*reversed(many))


def test_the_seal_changes_with_an_item_that_is_not_shown_and_with_nothing_that_does_not_matter() -> None:
    many, last = subscriptions(SHOWN_ITEMS), a_subscription(1, id_="last")
    before = the_line(*many, last)

    again = the_line(*many, a_subscription(1, id_="last", run_id="run-2", revision=30))
    renewed = the_line(*many, a_subscription(1, id_="renewed"))

    assert again.seal == before.seal
    assert renewed.vendor_count == before.vendor_count
    assert renewed.seal != before.seal


def test_an_account_of_which_no_item_is_shown_is_as_old_as_its_oldest_item() -> None:
    early = READ_AT - timedelta(days=1)
    of_beta = a_subscription(1, id_="b1", account="beta")
    manifests = {
        ACME: a_manifest(),
        BETA: a_manifest(BETA, read_at={"b1": early}),
        CO1: a_manifest(CO1),
    }
    line = the_line(
        *subscriptions(SHOWN_ITEMS),
        of_beta,
        an_agreement_line(5),
        accounts=[an_account(), an_account("beta")],
        manifests=manifests,
    )

    more = line.evidence.more
    assert more
    assert [(account.account_id, account.as_of) for account in more.accounts] == [("beta", early)]
    assert line.vendor_count.as_of == early
    assert with_current_ages(line, manifests).vendor_count.as_of == early


def test_a_later_reading_makes_what_is_not_shown_younger() -> None:
    line = the_line(*subscriptions(SHOWN_ITEMS + 1), an_agreement_line(5))

    shown = with_current_ages(line, {ACME: a_manifest(read_from=NOW), CO1: a_manifest(CO1)})

    assert (line.vendor_count.as_of, shown.vendor_count.as_of) == (READ_AT, NOW)
