"""Whatever the order of arrival, with repeats and matching at any moment, the mappings are the same."""

from collections.abc import Sequence
from typing import Any

from catalogue_builders import a_product, a_psa, a_psa_account, a_service, a_vendor_account, an_integration
from ended_runs import EndedRuns
from hypothesis import given, settings
from hypothesis import strategies as st
from matcher_world import MatcherWorld, memory_world

from matcher.catalogue.ingestor import ItemObserved, item_of
from matcher.catalogue.items import Item
from matcher.proposals.label_pairs import exact_target, psa_groups, vendor_groups
from shared.contracts.run_end import RunFinished

OTHER = "int_other"
names = st.sampled_from(["Contoso", "Fabrikam", "contoso", ""])
codes = st.sampled_from(["MPN-1", "MPN-2", "", None])
product_keys = st.sampled_from(["MPN-1", "MPN-2", ""])
revisions = st.integers(1, 3)
ids = st.sampled_from(["1", "2", "3"])
flags = st.booleans()

vendor_accounts = st.builds(
    a_vendor_account, ids, names, revision=revisions, present=flags,
    integration_id=st.sampled_from(["int_vendor", OTHER]),
)  # fmt: skip
psa_accounts = st.builds(a_psa_account, ids, names, revision=revisions, active=flags)
services = st.builds(a_service, ids.map("s{}".format), names, codes, revision=revisions)
products = st.builds(
    a_product,
    ids.map("p{}".format),
    names,
    product_keys,
    revision=revisions,
    present=flags,
)
news = st.lists(st.one_of(vendor_accounts, psa_accounts, services, products), max_size=14)
connections = (an_integration(), an_integration(OTHER), a_psa())


@given(st.data(), news)
@settings(max_examples=300, deadline=None)
async def test_the_order_of_arrival_does_not_matter(
    data: st.DataObject, observations: list[ItemObserved]
) -> None:
    seen = _each_revision_once(observations)
    messages: list[Any] = [*seen, *_ends_of_runs(seen), *connections]
    order = data.draw(st.permutations(messages + data.draw(st.lists(st.sampled_from(messages), max_size=5))))
    if data.draw(flags):  # else news of an integration, which has all of it matched again, is often the last
        order = [*connections, *(message for message in order if message not in connections)]
    every_moment = set(range(len(order)))
    pauses = data.draw(st.one_of(st.just(every_moment), st.sets(st.integers(0, len(order)))))
    world = memory_world()

    await _happens(world, order, pauses)

    mapped, items = await _mapped(world), _newest(seen)
    kept = {vendor: mapped[vendor] for vendor in mapped if not _both_usable(items, vendor, mapped[vendor])}
    assert {vendor: psa for vendor, psa in mapped.items() if vendor not in kept} == _expected(items)


@given(st.data(), news)
@settings(max_examples=200, deadline=None)
async def test_before_the_last_run_has_ended_only_what_a_run_left_behind_is_mapped(
    data: st.DataObject, observations: list[ItemObserved]
) -> None:
    seen = _each_revision_once(observations)
    first_run = [observed for observed in seen if observed.revision == 1]
    going_on = data.draw(st.permutations([observed for observed in seen if observed.revision > 1]))
    world = memory_world()
    await _happens(world, [*connections, *first_run, *_ends_of_runs(first_run, runs=1)], set())

    await _happens(world, going_on, data.draw(st.sets(st.integers(0, len(going_on)))))

    assert await _mapped(world) == _expected(_newest(first_run))


async def _happens(world: MatcherWorld, order: Sequence[Any], pauses: set[int]) -> None:
    for position, message in enumerate(order):
        await world.ingest([message])
        if position in pauses:
            await world.match()
    await world.match()


def _each_revision_once(observations: list[ItemObserved]) -> list[ItemObserved]:
    """Of two messages with one key and revision, only one can have been published."""
    return list({(item_of(seen).kind, seen.key, seen.revision): seen for seen in observations}.values())


async def _mapped(world: MatcherWorld) -> dict[tuple[str, str], str | None]:
    """Returns what the newest message of each key maps, by vendor integration and id."""
    newest: dict[str, Any] = {}
    for message in await world.published():
        newest[message.key] = message
    approved = [mapping for mapping in newest.values() if mapping.decision == "approved"]
    return {(mapping.vendor_integration_id, mapping.vendor_id): mapping.psa_id for mapping in approved}


def _ends_of_runs(seen: list[ItemObserved], runs: int = 3) -> list[RunFinished]:
    """Each integration has one complete run for each revision: it states what carries that revision."""
    ended, ends = EndedRuns(), list[RunFinished]()
    for connection in connections:
        ended.note(connection)
    for revision in range(1, runs + 1):
        for observed in seen:
            if observed.revision == revision:
                ended.note(observed)
        ends += ended.end()
    return ends


def _newest(seen: list[ItemObserved]) -> list[Item]:
    items = sorted((item_of(observed) for observed in seen), key=lambda item: item.revision)
    return list({(item.kind, item.key): item for item in items}.values())


def _both_usable(items: list[Item], vendor: tuple[str, str], psa_id: str | None) -> bool:
    """What was mapped while it was there stays mapped, so what is not there has no expected mapping."""
    ends = (vendor, ("int_psa", psa_id))
    return all(item.usable for item in items if (item.integration_id, item.id) in ends)


def _expected(items: list[Item]) -> dict[tuple[str, str], str | None]:
    """Returns what the rule maps when it is given the newest of everything at once."""
    expected: dict[tuple[str, str], str | None] = {}
    for kind in {item.kind.mapping_kind for item in items}:
        vendor = [item for item in items if item.kind.mapping_kind is kind and item.kind.side == "vendor"]
        psa = [item for item in items if item.kind.mapping_kind is kind and item.kind.side == "psa"]
        groups = vendor_groups(vendor), psa_groups(psa)
        targets = {(item.integration_id, item.id): exact_target(item, *groups) for item in vendor}
        expected |= {key: target.id for key, target in targets.items() if target}
    return expected
