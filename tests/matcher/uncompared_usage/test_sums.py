"""What is not compared, summed for each account and each service."""

import random
from decimal import Decimal
from itertools import permutations

import pytest
from catalogue_builders import VENDOR
from uncompared_lines import a_usage_line, state_lines, with_target

from matcher.app import INDEXES
from matcher.uncompared_usage.models import UsageSum
from matcher.uncompared_usage.repository import LINES, SUMS, MongoUncomparedUsage
from shared.contracts.billing import Count, LineClass, UsageLineChanged
from shared.contracts.matcher import MappingKind
from shared.mongo import Mongo

ONE = (VENDOR, "1")


@pytest.fixture
async def stored(mongo: Mongo) -> Mongo:
    await mongo.ensure(INDEXES)
    return mongo


async def of_account(mongo: Mongo, id_: str = "1") -> UsageSum | None:
    sums = await MongoUncomparedUsage(mongo).sums("demo", MappingKind.ACCOUNT, {(VENDOR, id_)})
    return sums.get((VENDOR, id_))


async def test_seats_are_added_and_money_by_currency(stored: Mongo) -> None:
    await state_lines(
        stored,
        a_usage_line("l1", service="s1", seats="3", worth="60 USD"),
        a_usage_line("l2", service="s2", seats="2", worth="10.50 EUR"),
        a_usage_line("l3", service="s3", seats="4", worth="0.1 USD"),
        a_usage_line("l4", service="s4", seats=None),
    )

    assert await of_account(stored) == UsageSum(
        4, Decimal(9), {"USD": Decimal("60.1"), "EUR": Decimal("10.50")}, without_estimate=1
    )


async def test_of_a_count_that_is_not_known_the_known_part_is_added(stored: Mongo) -> None:
    partly = Count.model_validate({"missing": "unread", "known_part": "2"})
    await state_lines(stored, a_usage_line("l1", vendor_count=partly), a_usage_line("l2", seats="3"))

    found = await of_account(stored)
    assert found is not None
    assert (found.lines, found.seats) == (2, Decimal(5))


async def test_a_service_has_the_lines_of_all_accounts(stored: Mongo) -> None:
    await state_lines(stored, a_usage_line("l1", "1", worth="6 USD"), a_usage_line("l2", "2", worth="4 USD"))

    sums = await MongoUncomparedUsage(stored).sums("demo", MappingKind.SERVICE, {(VENDOR, "s1")})
    assert sums[VENDOR, "s1"].money == {"USD": Decimal(10)}


@pytest.mark.parametrize(
    "later",
    [
        with_target(a_usage_line("l1"), revision=2),
        a_usage_line("l1", revision=2, present=False),
        a_usage_line("l1", revision=2, line_class=LineClass.EXCLUDED),
    ],
    ids=["has a target", "is gone", "is excluded"],
)
async def test_what_is_compared_gone_or_excluded_is_in_no_sum(stored: Mongo, later: UsageLineChanged) -> None:
    await state_lines(stored, a_usage_line("l1", worth="60 USD"))
    await state_lines(stored, later)

    assert await of_account(stored) is None
    assert not await stored.all_tenants(SUMS).find()


async def test_a_line_with_a_target_leaves_nothing_but_its_revision(stored: Mongo) -> None:
    await state_lines(stored, with_target(a_usage_line("l1")))

    (row,) = await stored.all_tenants(LINES).find()
    assert row.keys() == {"_id", "tenant_id", "revision", "closed_at"}


async def test_tenants_are_summed_apart(stored: Mongo) -> None:
    await state_lines(stored, a_usage_line("l1"), a_usage_line("l1", tenant_id="rival", seats="9"))

    found = await of_account(stored)
    assert found is not None
    assert found.seats == Decimal(3)


async def test_any_order_and_repetition_comes_to_the_same(stored: Mongo) -> None:
    history = [
        a_usage_line("l1", revision=1, worth="60 USD"),
        a_usage_line("l1", revision=2, seats="5", worth="100 USD"),
        a_usage_line("l1", "2", revision=3, seats="4", worth="80 EUR"),
        a_usage_line("l2", revision=1, worth="7 USD"),
    ]
    for number, order in enumerate(permutations(history)):
        tenant = f"t{number}"
        of_tenant = [line.model_copy(update={"tenant_id": tenant}) for line in order]
        for line in of_tenant:
            await state_lines(stored, line)
        await state_lines(stored, *of_tenant)
        sums = await MongoUncomparedUsage(stored).sums(tenant, MappingKind.ACCOUNT, {ONE, (VENDOR, "2")})

        assert sums[ONE] == UsageSum(1, Decimal(3), {"USD": Decimal(7)}, 0)
        assert sums[VENDOR, "2"] == UsageSum(1, Decimal(4), {"EUR": Decimal(80)}, 0)


async def test_a_closed_line_is_not_opened_by_an_older_word_of_it(stored: Mongo) -> None:
    await state_lines(stored, with_target(a_usage_line("l1"), revision=2))
    await state_lines(stored, a_usage_line("l1", revision=1))

    assert await of_account(stored) is None


@pytest.mark.parametrize("seed", range(4))
async def test_sums_are_those_of_the_lines_after_any_history(stored: Mongo, seed: int) -> None:
    made, present = random.Random(seed), {}  # noqa: S311  a history, not a secret
    for revision in range(60):
        line = a_usage_line(
            made.choice("abcde"),
            made.choice("12"),
            seats=str(made.randrange(9)),
            worth=made.choice(("", "1.1 USD", "2.25 USD", "3 EUR")),
            revision=revision + 1,
        )
        line = made.choice((line, line, with_target(line), line.model_copy(update={"present": False})))
        present[line.line_id] = line
        await state_lines(stored, line)
    open_lines = [one for one in present.values() if one.present and one.psa_product_id is None]

    for id_ in "12":
        of_id = [one for one in open_lines if one.vendor_account_id == id_]
        found = await of_account(stored, id_) or UsageSum()
        assert found.lines == len(of_id)
        assert found.seats == sum(one.vendor_count.number or 0 for one in of_id)
        assert sum(found.money.values()) == sum(one.money.amount or 0 for one in of_id)
