"""A full run of a PSA, step by step; a quick one is the same, for a PSA shows no changes in its lists."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal

from psa_sync.psa import CatalogueItem, Company, Listing
from psa_sync.runs.agreement_lines import LineReader
from psa_sync.runs.listing import ListKind, ListReader
from psa_sync.runs.observations import account_of, product_of
from psa_sync.runs.ports import AgreementQueue, Clock, Connect, PsaConnection
from shared.contracts.psa_sync import ProductObserved, PsaAccountObserved
from shared.sync_engine.models import RunTally
from shared.sync_engine.run_worker import RunContext, RunStep

COMPANIES: ListKind[Company, PsaAccountObserved] = ListKind(
    Listing.COMPANIES,
    PsaAccountObserved,
    every=lambda psa: psa.companies(),
    one=lambda psa, id_: psa.company(id_),
    id_of=lambda company: company.company_id,
    seen_id=lambda seen: seen.account_id,
    observed=account_of,
)
PRODUCTS: ListKind[CatalogueItem, ProductObserved] = ListKind(
    Listing.PRODUCTS,
    ProductObserved,
    every=lambda psa: psa.products(),
    one=lambda psa, id_: psa.product(id_),
    id_of=lambda product: product.product_id,
    seen_id=lambda seen: seen.product_id,
    observed=product_of,
)


@dataclass(frozen=True, slots=True)
class PsaRunDefinition:
    """What a run of a PSA consists of."""

    connect: Connect
    todo: AgreementQueue
    clock: Clock

    async def steps(self, walk: RunContext) -> Sequence[RunStep]:  # noqa: ARG002  the same for every run
        return (
            RunStep("companies", self._companies),
            RunStep("products", self._products),
            RunStep("agreements", self._agreements),
            RunStep("lines", self._lines),
            RunStep("vanished lines", self._vanished),
        )

    async def tally(self, walk: RunContext) -> RunTally:
        """Nothing of the due counts as read before the agreements are known."""
        notes, stand = walk.run.notes, await self.todo.stand(walk.run)
        counts = {listing.value: int(notes[listing]) for listing in Listing if listing in notes}
        listed = Listing.AGREEMENTS in notes
        coverage = Decimal(stand.read) / stand.due if stand.due else Decimal(listed)
        short = [why for name, why in notes.items() if name.endswith(" short")]
        return RunTally(counts | {"lines": stand.lines}, round(coverage, 4), (*short, *stand.failures))

    async def _companies(self, walk: RunContext) -> Mapping[str, str]:
        async with self._open(walk) as psa:
            return await ListReader(COMPANIES, psa, walk, self.clock).read()

    async def _products(self, walk: RunContext) -> Mapping[str, str]:
        async with self._open(walk) as psa:
            return await ListReader(PRODUCTS, psa, walk, self.clock).read()

    async def _agreements(self, walk: RunContext) -> Mapping[str, str]:
        async with self._open(walk) as psa:
            return await self._reader(psa, walk).agreements()

    async def _lines(self, walk: RunContext) -> None:
        async with self._open(walk) as psa:
            await self._reader(psa, walk).lines()

    async def _vanished(self, walk: RunContext) -> None:
        async with self._open(walk) as psa:
            await self._reader(psa, walk).vanished()

    def _open(self, walk: RunContext) -> AbstractAsyncContextManager[PsaConnection]:
        return self.connect(walk.claimed.known)

    def _reader(self, psa: PsaConnection, walk: RunContext) -> LineReader:
        return LineReader(psa, walk, self.todo, self.clock)
