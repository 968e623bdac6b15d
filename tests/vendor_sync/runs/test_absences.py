from decimal import Decimal

import pytest
from marketplace import FakeMarketplace, a_detail, a_row, an_offer, customers
from vendor_runs import Stage

from shared.contracts.base import Outcome
from shared.contracts.vendor_sync import SubscriptionStatus, VendorAccountObserved
from shared.errors import CredentialsRejected, UnexpectedResponse
from shared.mongo import Mongo


@pytest.fixture
async def stage(mongo: Mongo) -> Stage:
    """One complete run is behind it, and the log is empty."""
    vendor = FakeMarketplace(accounts_there=customers("c1", "c2"))
    vendor.has(*(an_offer(f"s{n}", f"offer {n}", n) for n in range(4)))
    stage = Stage(mongo, vendor)
    await stage.run("before")
    vendor.log.clear()
    return stage


async def test_a_vanished_subscription_is_read_once_before_it_is_absent(stage: Stage) -> None:
    del stage.vendor.details["s2"]

    finished = await stage.run()

    assert (finished.outcome, stage.vendor.log.count("s2")) == (Outcome.COMPLETE, 1)
    assert not stage.last("s2").present
    assert stage.last("s2").lines[0].quantity == Decimal(2)


async def test_what_is_gone_is_not_asked_for_again(stage: Stage) -> None:
    del stage.vendor.details["s2"]
    await stage.run("first")
    stage.vendor.log.clear()

    await stage.run("second")

    assert "s2" not in stage.vendor.log


async def test_a_vanished_subscription_that_can_be_read_tells_its_real_status(stage: Stage) -> None:
    stage.vendor.becomes("s2", SubscriptionStatus.TERMINATED)

    finished = await stage.run()

    assert (stage.last("s2").status, stage.last("s2").present) == (SubscriptionStatus.TERMINATED, True)
    assert finished.counts["vanished"] == 1


async def test_a_subscription_that_slipped_between_two_lists_is_still_there(stage: Stage) -> None:
    stage.vendor.hidden = {"s2"}
    published = len(stage.kafka.messages)

    finished = await stage.run()

    assert finished.outcome is Outcome.COMPLETE
    assert len(stage.kafka.messages) == published


async def test_an_empty_list_zeroes_nothing_that_is_there(stage: Stage) -> None:
    stage.vendor.hidden = set(stage.vendor.details)

    finished = await stage.run()

    assert sorted(stage.vendor.log) == ["s0", "s1", "s2", "s3"]
    assert finished.published == dict.fromkeys(finished.published, 0)


async def test_a_vanished_subscription_that_cannot_be_read_keeps_its_last_value(stage: Stage) -> None:
    stage.vendor.hidden = {"s2"}

    async def broken(id_: str) -> None:
        if id_ == "s2":
            raise UnexpectedResponse("HTML")

    stage.vendor.asked = broken
    finished = await stage.run()

    assert finished.outcome is Outcome.PARTIAL
    assert stage.last("s2").present


async def test_a_listed_subscription_that_is_not_found_is_gone(stage: Stage) -> None:
    ghost = a_detail(a_row("s9"))
    stage.vendor.has(ghost)

    async def vanish(id_: str) -> None:
        stage.vendor.details.pop("s9" if id_ == "s9" else "", None)

    stage.vendor.asked = vanish
    finished = await stage.run()

    assert finished.outcome is Outcome.COMPLETE
    assert not stage.last("s9").present


async def test_what_comes_back_has_no_number_until_it_is_read(stage: Stage) -> None:
    back = stage.vendor.details.pop("s2")
    await stage.run("gone")
    stage.vendor.has(back)
    told = len(stage.kafka.messages)

    await stage.run("back")

    first, second = [seen for seen in stage.kafka.messages[told:] if seen.key.endswith(":s2")]
    assert first.model_dump()["detailed"] is False
    assert second == stage.last("s2")
    assert stage.last("s2").present


async def test_an_account_that_is_listed_no_more_is_read_before_it_is_absent(stage: Stage) -> None:
    del stage.vendor.accounts_there["c2"]

    await stage.run()

    assert "account c2" in stage.vendor.log
    assert [(seen.account_id, seen.present) for seen in stage.said(VendorAccountObserved)][-1] == (
        "c2",
        False,
    )


async def test_refused_credentials_are_never_taken_for_an_absent_account(stage: Stage) -> None:
    del stage.vendor.accounts_there["c2"]

    async def refused(_: str) -> None:
        raise CredentialsRejected("401")

    stage.vendor.asked = refused
    finished = await stage.run()

    assert finished.outcome is Outcome.FAILED
    assert all(seen.present for seen in stage.said(VendorAccountObserved))


async def test_a_whole_marketplace_may_vanish_in_one_run(mongo: Mongo) -> None:
    """More than is stored in one transaction."""
    vendor = FakeMarketplace(accounts_there=customers("c1", "c2"), page_size=100)
    vendor.has(*(an_offer(f"s{n}", "offer", n) for n in range(520)))
    stage = Stage(mongo, vendor)
    await stage.run("before")
    vendor.details.clear()

    finished = await stage.run("after")

    assert (finished.outcome, finished.counts["vanished"]) == (Outcome.COMPLETE, 520)
    assert not any(stage.last(f"s{n}").present for n in (0, 499, 500, 519))
