"""Holds the PSA's state: companies, catalogue, agreements and their additions."""

# Ids only ever grow, so a collection is in the order of its ids without sorting, and forward-only paging
# finds its start by bisection.  An addition is in two collections, its agreement's and that of all; both
# hold the same dict, so `store` changes a line in place and never replaces it.
#
# `_info.lastUpdated` moves with every write, by at least one second, since readers take an equal stamp for
# "unchanged": writes at 10:00:00.1 and 10:00:00.9 are stamped 10:00:00 and 10:00:01.

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.clock import Clock
from sandbox.connectwise.errors import invalid, not_found
from sandbox.connectwise.fields import ADDITION, Record
from sandbox.connectwise.records import COMPANY_STATUSES

TIMESTAMP_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class RecordCollection:
    """Records in the order of their ids."""

    def __init__(self) -> None:
        self._rows: dict[int, Record] = {}
        self._ids: list[int] = []

    def __iter__(self) -> Iterator[Record]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def last_id(self) -> int | None:
        return self._ids[-1] if self._ids else None

    def get(self, record_id: int) -> Record | None:
        return self._rows.get(record_id)

    def after(self, record_id: int) -> Iterator[Record]:
        """Yield the records with greater ids, without walking over the others."""
        return (self._rows[later] for later in self._ids[bisect_right(self._ids, record_id) :])

    def add(self, row: Record) -> None:
        """Add a record whose id is greater than any before."""
        self._rows[row["id"]] = row
        self._ids.append(row["id"])


class PsaState:
    """One company's PSA; unset fields are absent from its records, as they are from the API's answers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_id = 900
        self.companies = RecordCollection()
        self.company_statuses = RecordCollection()
        for status in COMPANY_STATUSES:
            self.company_statuses.add(dict(status))
        self.products = RecordCollection()
        self.agreements = RecordCollection()
        self.additions = RecordCollection()
        self._by_agreement: dict[int, RecordCollection] = {}

    def new_addition_id(self, step: int = 1) -> int:
        self._last_id += step
        return self._last_id

    def additions_of(self, agreement_id: int) -> RecordCollection:
        """Return the lines of an agreement; raises `ConnectWiseRefusal` (404) if it does not exist."""
        if self.agreements.get(agreement_id) is None:
            raise not_found("Agreement", str(agreement_id))
        return self._by_agreement.setdefault(agreement_id, RecordCollection())

    def add_addition(self, agreement_id: int, row: Record) -> None:
        self.additions_of(agreement_id).add(row)
        self.additions.add(row)

    def new_addition(self, agreement_id: int, fields: Record, by: str) -> Record:
        """Return a complete line of the caller's fields and the catalogue's defaults, without storing it."""
        product = self.find_product(fields)
        defaults = {
            "quantity": 1.0,
            "lessIncluded": 0.0,
            "unitPrice": product["price"],
            "unitCost": product["cost"],
        }
        row = {
            "id": self.new_addition_id(),
            **defaults,
            "invoiceDescription": product["description"],
            "taxableFlag": True,
            "prorateCurrentPeriodFlag": False,
            "sequenceNumber": float(len(self.additions_of(agreement_id)) + 1),
            **{name: value for name, value in fields.items() if value is not None},
            "agreementId": agreement_id,
            "product": product_reference(product),
        }
        return row | {"_info": self._write_info(row, by)}

    def with_changes(self, row: Record, fields: Record, by: str) -> Record:
        """Return the line with new values; a new product brings its price, cost and description along."""
        after = row | fields
        if "product" in fields:
            product = self.find_product(fields)
            after |= {
                "product": product_reference(product),
                "unitPrice": product["price"],
                "unitCost": product["cost"],
                "invoiceDescription": product["description"],
            }
        present = {name: value for name, value in after.items() if value is not None}
        return present | {"_info": self._write_info(row, by)}

    def store(self, row: Record, after: Record) -> None:
        """Make the stored line equal to `after`, in place: other collections hold the same dict."""
        row.clear()
        row.update(after)

    def find_product(self, fields: Record) -> Record:
        """Return the catalogue item that `fields["product"]` refers to, by its id, its identifier or both.

        Raises `ConnectWiseRefusal` (400) when there is no such item.
        """
        wanted = fields["product"]
        for product in self.products:
            if wanted in (
                {"id": product["id"]},
                {"identifier": product["identifier"]},
                product_reference(product),
            ):
                return product
        raise invalid(ADDITION.name, "product", f"there is no product {wanted}")

    def _write_info(self, row: Record, by: str) -> dict[str, Any]:
        """Return `_info` of a write now; its time moves even when two writes fall into one second."""
        now = self._clock().astimezone(UTC)
        before = row.get("_info", {}).get("lastUpdated")
        if before is not None:
            earlier = datetime.strptime(before, TIMESTAMP_FORMAT).replace(tzinfo=UTC)
            now = max(now, earlier + timedelta(seconds=1))
        return {"lastUpdated": now.strftime(TIMESTAMP_FORMAT), "updatedBy": by}


def product_reference(product: Record) -> Record:
    return {"id": product["id"], "identifier": product["identifier"]}


def render_addition(row: Record, psa: PsaState) -> Record:
    """Return a line as the API shows it, with the fields that the server computes."""
    product = psa.products.get(row["product"]["id"]) or {}
    agreement = psa.agreements.get(row["agreementId"]) or {}
    billed = max(row.get("quantity", 0.0) - row.get("lessIncluded", 0.0), 0.0)
    price, cost = billed * row.get("unitPrice", 0.0), billed * row.get("unitCost", 0.0)
    return row | {
        "description": product.get("description", ""),
        "uom": "Each",
        "billedQuantity": billed,
        "extPrice": round(price, 4),
        "extCost": round(cost, 4),
        "margin": round(price - cost, 4),
        "agreementStatus": agreement.get("agreementStatus", "Active"),
    }
