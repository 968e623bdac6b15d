"""Puts the PSA's half of the story into its state."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from sandbox.connectwise import records
from sandbox.connectwise.fields import Record
from sandbox.connectwise.psa import PsaState, RecordCollection
from sandbox.connectwise.records import AgreementBilling
from sandbox.story.directory import Directory
from sandbox.story.fixtures import COMPANIES, DELETED_COMPANIES, ITEMS
from sandbox.story.scenario import AGREEMENTS, PsaOnlyLine, ScenarioLine


class PsaSide:
    """Adds master data and agreement lines; companies, items and agreements are kept by fixture key."""

    def __init__(self, psa: PsaState, rng: Random, today: date, directory: Directory) -> None:
        self._psa, self._directory = psa, directory
        self._rng = rng
        self._today = today
        self.companies: dict[str, Record] = {}
        self.items: dict[str, Record] = {}
        self.agreements: dict[str, Record] = {}

    def add_master_data(self) -> None:
        """Add companies, then products, then the companies' agreements."""
        self._add_companies()
        self._add_products()
        self._add_agreements()

    def bill_line(self, line: ScenarioLine, seats: Sequence[int]) -> tuple[list[int], list[int]]:
        """Add one agreement line for each number; return the ids of agreement (if any) and lines."""
        agreement = self.agreements.get(line.agreement or line.account)
        if agreement is None:
            return [], []
        billings = [
            AgreementBilling(
                self.items[line.item], float(number), self._day(-200), included=float(line.included)
            )
            for number in seats
        ]
        return [agreement["id"]], [self._bill(agreement["id"], billing) for billing in billings]

    def bill_psa_only(self, line: PsaOnlyLine) -> None:
        billing = AgreementBilling(
            self.items[line.item],
            float(self._rng.randint(1, 20)),
            self._day(line.starts),
            None if line.cancelled is None else self._day(line.cancelled),
            customer=line.billing,
        )
        self._bill(self.agreements[line.agreement]["id"], billing)

    def _add_companies(self) -> None:
        for key, name in COMPANIES.items():
            self.companies[key] = records.company(
                self._next_id(self._psa.companies, least=19_000),
                name,
                identifier="".join(part.capitalize() for part in key.split("-")),
                deleted=key in DELETED_COMPANIES,
                updated=self._day(-30),
                details=self._directory.company(key, f"{key}.example"),
            )
            self._psa.companies.add(self.companies[key])

    def _add_products(self) -> None:
        for key, item in ITEMS.items():
            product_id = self._next_id(self._psa.products, least=500)
            amounts = (item.price, item.cost)
            made = records.product(
                product_id,
                item.key,
                item.name,
                amounts=amounts,
                updated=self._day(-30),
                origin=item.origin,
            )
            self.items[key] = made | {"productClass": item.kind, "inactiveFlag": item.inactive}
            self._psa.products.add(self.items[key])

    def _add_agreements(self) -> None:
        for key, plan in AGREEMENTS.items():
            self.agreements[key] = records.agreement(
                self._next_id(self._psa.agreements, least=70),
                plan.name,
                self.companies[plan.company],
                starts=self._day(plan.starts),
                ends=None if plan.ends is None else self._day(plan.ends),
            )
            if plan.parent:
                parent = self.agreements[plan.parent]
                self.agreements[key]["parentAgreement"] = {name: parent[name] for name in ("id", "name")}
            self._psa.agreements.add(self.agreements[key])

    def _bill(self, agreement_id: int, billing: AgreementBilling) -> int:
        addition_id = self._psa.new_addition_id(self._rng.randint(1, 9))
        sequence = len(self._psa.additions_of(agreement_id)) + 1
        row = records.addition(addition_id, agreement_id, billing, sequence=sequence, updated=self._day(-20))
        self._psa.add_addition(agreement_id, row)
        return addition_id

    def _next_id(self, rows: RecordCollection, *, least: int) -> int:
        return (rows.last_id or least) + self._rng.randint(1, 9)

    def _day(self, days: int) -> date:
        return self._today + timedelta(days=days)
