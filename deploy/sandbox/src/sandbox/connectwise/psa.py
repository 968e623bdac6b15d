"""The PSA's state: companies, catalogue, agreements and their additions."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.clock import Clock
from sandbox.connectwise.errors import invalid, not_found
from sandbox.connectwise.fields import ADDITION, Record

STAMP = "%Y-%m-%dT%H:%M:%SZ"


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
        """Records with greater ids, without walking over the others."""
        return (self._rows[later] for later in self._ids[bisect_right(self._ids, record_id) :])

    def add(self, row: Record) -> None:
        """Add a record whose id is greater than any before."""
        self._rows[row["id"]] = row
        self._ids.append(row["id"])


class PsaState:
    """One company's PSA; unset fields are absent from its records, as they are from its answers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_id = 900
        self.companies = RecordCollection()
        self.products = RecordCollection()
        self.agreements = RecordCollection()
        self.additions = RecordCollection()
        self._by_agreement: dict[int, RecordCollection] = {}

    def new_addition_id(self, step: int = 1) -> int:
        self._last_id += step
        return self._last_id

    def additions_of(self, agreement_id: int) -> RecordCollection:
        if self.agreements.get(agreement_id) is None:
            raise not_found("Agreement", str(agreement_id))
        return self._by_agreement.setdefault(agreement_id, RecordCollection())

    def add_addition(self, agreement_id: int, row: Record) -> None:
        self.additions_of(agreement_id).add(row)
        self.additions.add(row)

    def new_addition(self, agreement_id: int, fields: Record, by: str) -> Record:
        """A complete line from what the caller gave and what the catalogue says; it is not stored yet."""
        product = self.product_of(fields)
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
            "product": reference_to(product),
        }
        return row | {"_info": self.stamped(row, by)}

    def changed(self, row: Record, fields: Record, by: str) -> Record:
        """The line with new values; a new product brings its price, cost and description along."""
        after = row | fields
        if "product" in fields:
            product = self.product_of(fields)
            after |= {
                "product": reference_to(product),
                "unitPrice": product["price"],
                "unitCost": product["cost"],
            }
            after |= {"invoiceDescription": product["description"]}
        kept = {name: value for name, value in after.items() if value is not None}
        return kept | {"_info": self.stamped(row, by)}

    def store(self, row: Record, after: Record) -> None:
        """Let a stored line be what `after` says."""
        row.clear()
        row.update(after)

    def product_of(self, fields: Record) -> Record:
        """The catalogue item that `{"id": …}` or `{"identifier": …}` names."""
        wanted = fields["product"]
        for product in self.products:
            if wanted in (
                {"id": product["id"]},
                {"identifier": product["identifier"]},
                reference_to(product),
            ):
                return product
        raise invalid(ADDITION.name, "product", f"there is no product {wanted}")

    def stamped(self, row: Record, by: str) -> dict[str, Any]:
        """`_info` of a write now; it moves even when two writes fall into one second."""
        now = self._clock().astimezone(UTC)
        before = row.get("_info", {}).get("lastUpdated")
        if before is not None:
            earlier = datetime.strptime(before, STAMP).replace(tzinfo=UTC)
            now = max(now, earlier + timedelta(seconds=1))
        return {"lastUpdated": now.strftime(STAMP), "updatedBy": by}


def reference_to(product: Record) -> Record:
    return {"id": product["id"], "identifier": product["identifier"]}


def shown_addition(row: Record, psa: PsaState) -> Record:
    """A line as the API shows it, with what the server works out itself."""
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
