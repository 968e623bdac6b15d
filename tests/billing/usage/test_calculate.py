from decimal import Decimal

from observation_builders import a_line, a_mapping, a_subscription, an_agreement_line
from usage_builders import an_account, the_line, the_lines

from shared.contracts.billing import LineClass
from shared.contracts.vendor_sync import SubscriptionStatus


def test_equal_counts_are_in_step() -> None:
    line = the_line(a_subscription(5), an_agreement_line(5))

    assert line.line_class is LineClass.IN_STEP
    assert line.vendor_count.number == line.psa_count.number == 5


def test_more_bought_than_billed_is_vendor_higher() -> None:
    assert the_line(a_subscription(7), an_agreement_line(5)).line_class is LineClass.VENDOR_HIGHER


def test_more_billed_than_bought_is_psa_higher() -> None:
    assert the_line(a_subscription(3), an_agreement_line(5)).line_class is LineClass.PSA_HIGHER


def test_usage_without_an_agreement_line_is_not_billed() -> None:
    line = the_line(a_subscription(3))

    assert line.line_class is LineClass.NOT_BILLED
    assert line.psa_count.number == 0
    assert line.agreement_line is None


def test_two_subscriptions_of_one_product_add_up() -> None:
    line = the_line(a_subscription(3), a_subscription(4, id_="sub2"), an_agreement_line(7))

    assert line.line_class is LineClass.IN_STEP
    assert [item.subscription_id for item in line.evidence.items] == ["sub1", "sub2"]


def test_two_lines_of_one_subscription_add_up() -> None:
    assert (
        the_line(a_subscription(lines=(a_line(2), a_line(3))), an_agreement_line(5)).vendor_count.number == 5
    )


def test_vendor_items_of_several_accounts_and_services_meet_in_one_target() -> None:
    services = (a_mapping("service", "svc1", "prod1"), a_mapping("service", "svc2", "prod1"))
    seen = (
        a_subscription(1),
        a_subscription(2, id_="s2", service="svc2"),
        a_subscription(4, id_="s3", account="b"),
    )

    line = the_line(*seen, services=services, accounts=[an_account("acme"), an_account("b")])

    assert line.vendor_count.number == 7


def test_what_ended_but_is_billed_is_named_so() -> None:
    ended = a_subscription(5, status=SubscriptionStatus.TERMINATED)

    line = the_line(ended, an_agreement_line(5))

    assert line.line_class is LineClass.ENDED_STILL_BILLED
    assert line.vendor_count.number == 0


def test_an_active_subscription_of_no_seats_is_psa_higher() -> None:
    assert the_line(a_subscription(0), an_agreement_line(5)).line_class is LineClass.PSA_HIGHER


def test_what_is_billed_and_was_never_bought_is_not_bought() -> None:
    assert the_line(an_agreement_line(5)).line_class is LineClass.NOT_BOUGHT


def test_a_product_that_no_vendor_sells_has_no_line() -> None:
    assert the_lines(an_agreement_line(5, product_id="labour")) == []


def test_several_open_agreement_lines_are_ambiguous() -> None:
    line = the_line(a_subscription(5), an_agreement_line(5), an_agreement_line(2, id_="add2"))

    assert line.line_class is LineClass.AMBIGUOUS
    assert line.psa_count.number is None
    assert line.psa_count.known_part == 7
    assert line.agreement_line is None


def test_a_service_without_mapping_has_a_line_of_its_own() -> None:
    line = the_line(a_subscription(5), services=())

    assert (line.line_class, line.reason) == (LineClass.UNMAPPED, "service not mapped")
    assert (line.vendor_account_id, line.service_id) == ("acme", "svc1")


def test_an_excluded_service_has_a_line_that_says_so() -> None:
    line = the_line(a_subscription(5), services=[a_mapping("service", "svc1", None)])

    assert (line.line_class, line.reason) == (LineClass.EXCLUDED, "service excluded")


def test_an_excluded_account_excludes_all_its_services() -> None:
    account = an_account(mapping=a_mapping("account", "acme", None))

    assert the_line(a_subscription(5), accounts=[account]).line_class is LineClass.EXCLUDED


def test_account_and_service_in_different_psas_have_no_target() -> None:
    elsewhere = a_mapping("service", "svc1", "prod1", psa_integration_id="int_other")

    assert the_line(a_subscription(5), services=[elsewhere]).line_class is LineClass.UNMAPPED


def test_nothing_bought_and_nothing_billed_is_no_line() -> None:
    assert the_lines(a_subscription(5, status=SubscriptionStatus.REMOVED)) == []


def test_zero_bought_and_zero_billed_is_in_step() -> None:
    line = the_line(a_subscription(0), an_agreement_line(0))

    assert line.line_class is LineClass.IN_STEP
    assert line.money.amount == Decimal(0)


def test_the_line_of_a_target_keeps_its_id() -> None:
    first = the_line(a_subscription(5))
    later = the_line(a_subscription(9, id_="renewed"), an_agreement_line(1))

    assert first.line_id == later.line_id
