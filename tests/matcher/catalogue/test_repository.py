"""What only the real store can get wrong about the catalogue: a crash after storing, size."""

from catalogue_builders import a_psa, a_psa_account, a_vendor_account, an_integration
from matcher_world import MatcherWorld

from matcher.catalogue.ingestor import ItemIngestor, item_of

CONTOSO = (an_integration(), a_psa(), a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso"))


async def test_news_that_was_stored_but_not_enqueued_is_enqueued_when_it_comes_again(
    stored_world: MatcherWorld,
) -> None:
    await stored_world.receive(*CONTOSO[:3])
    await stored_world.catalogue.store_newer_items([item_of(a_psa_account("9", "Contoso"))])
    await stored_world.match()

    await stored_world.receive(CONTOSO[3])

    assert await stored_world.mapped() == {"1": "9"}


async def test_two_thousand_accounts_on_each_side_are_all_mapped(stored_world: MatcherWorld) -> None:
    await stored_world.receive(an_integration(), a_psa())
    ingestor = ItemIngestor(stored_world.catalogue, lambda: None)
    for start in range(0, 2000, 500):
        numbers = range(start, start + 500)
        vendor = [a_vendor_account(f"v{n}", f"Name {n}") for n in numbers]
        psa = [a_psa_account(f"p{1999 - n}", f"Name {1999 - n}") for n in numbers]
        await ingestor.ingest_items(vendor)
        await ingestor.ingest_items(psa)
        for observed in (*vendor, *psa):
            stored_world.runs.note(observed)

    await stored_world.close()
    await stored_world.match()

    assert await stored_world.mapped() == {f"v{number}": f"p{number}" for number in range(2000)}
