"""A full run of a PSA, step by step; a quick one is the same, for a PSA shows no changes in its lists."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal

from psa_sync.models.psa import Company, Listing, Product
from psa_sync.service.lines import LineReader
from psa_sync.service.listing import Kind, Lister
from psa_sync.service.observing import account_of, product_of
from psa_sync.service.ports import Clock, Connect, Psa, Todo
from shared.contracts.psa_sync import AccountObserved, ProductObserved
from shared.syncing.models import Tally
from shared.syncing.working import Step, Walk

COMPANIES: Kind[Company, AccountObserved] = Kind(
    Listing.COMPANIES,
    AccountObserved,
    every=lambda psa: psa.companies(),
    one=lambda psa, id_: psa.company(id_),
    id_of=lambda company: company.company_id,
    seen_id=lambda seen: seen.account_id,
    observed=account_of,
)
PRODUCTS: Kind[Product, ProductObserved] = Kind(
    Listing.PRODUCTS,
    ProductObserved,
    every=lambda psa: psa.products(),
    one=lambda psa, id_: psa.product(id_),
    id_of=lambda product: product.product_id,
    seen_id=lambda seen: seen.product_id,
    observed=product_of,
)


@dataclass(frozen=True, slots=True)
class PsaRun:
    """What a run of a PSA consists of."""

    connect: Connect
    todo: Todo
    clock: Clock

    async def steps(self, walk: Walk) -> Sequence[Step]:  # noqa: ARG002  the same for every run
        return (
            Step("companies", self._companies),
            Step("products", self._products),
            Step("agreements", self._agreements),
            Step("lines", self._lines),
            Step("vanished lines", self._vanished),
        )

    async def tally(self, walk: Walk) -> Tally:
        """Nothing of the due counts as read before the agreements are known."""
        notes, stand = walk.run.notes, await self.todo.stand(walk.run)
        counts = {listing.value: int(notes[listing]) for listing in Listing if listing in notes}
        listed = Listing.AGREEMENTS in notes
        coverage = Decimal(stand.read) / stand.due if stand.due else Decimal(listed)
        short = [why for name, why in notes.items() if name.endswith(" short")]
        return Tally(counts | {"lines": stand.lines}, round(coverage, 4), (*short, *stand.failures))

    async def _companies(self, walk: Walk) -> Mapping[str, str]:
        async with self._open(walk) as psa:
            return await Lister(COMPANIES, psa, walk, self.clock).read()

    async def _products(self, walk: Walk) -> Mapping[str, str]:
        async with self._open(walk) as psa:
            return await Lister(PRODUCTS, psa, walk, self.clock).read()

    async def _agreements(self, walk: Walk) -> Mapping[str, str]:
        async with self._open(walk) as psa:
            return await self._reader(psa, walk).agreements()

    async def _lines(self, walk: Walk) -> None:
        async with self._open(walk) as psa:
            await self._reader(psa, walk).lines()

    async def _vanished(self, walk: Walk) -> None:
        async with self._open(walk) as psa:
            await self._reader(psa, walk).vanished()

    def _open(self, walk: Walk) -> AbstractAsyncContextManager[Psa]:
        return self.connect(walk.claimed.known)

    def _reader(self, psa: Psa, walk: Walk) -> LineReader:
        return LineReader(psa, walk, self.todo, self.clock)
