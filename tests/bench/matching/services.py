"""Makes the labelled sets of services: what a marketplace sells, against the PSA products of each tenant.

Invariant: within a tenant no two PSA products are written alike, and a product is written either once for
all terms or once for each, so a service has at most one counterpart.  A service whose term the PSA does not
have has none.

Example: Exchange Online (Plan 1) of a year, paid monthly, belongs to `Exch Onl P1 1yr/mo`, not to
`Exch Onl P1 1mo/mo` or `Exch Onl P2 1yr/mo`.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from tests.bench.matching.habits import HABITS, TERMLESS, Offer
from tests.bench.matching.models import Label, LabelledSet, Record
from tests.bench.matching.words import read_list

_TERMS = (("P1M", "P1M"), ("P1Y", "P1M"), ("P1Y", "P1Y"), ("P3Y", "P1M"), ("P3Y", "P1Y"))
_HABITUAL = 0.6
"""How much of its catalogue a tenant writes in its main habit."""
_ABSENT = 0.09


def labelled_services(services: int, products: int, seed: int, tenants: int = 10) -> LabelledSet:
    """Return a set of about so many services and PSA products, in several tenants."""
    random = Random(f"services {seed}")
    made = LabelledSet("services")
    habits = [*HABITS]
    random.shuffle(habits)
    for number in range(tenants):
        tenant = _Tenant(f"tenant-{number + 1}", random, habits[number % len(habits)])
        _add_tenant(made, tenant, _part(services, tenants, number), _part(products, tenants, number))
    random.shuffle(made.vendor)
    random.shuffle(made.psa)
    return made


def _part(whole: int, parts: int, number: int) -> int:
    return whole * (number + 1) // parts - whole * number // parts


def _add_tenant(made: LabelledSet, tenant: "_Tenant", services: int, products: int) -> None:
    rows = [*read_list("products")["products"]]
    tenant.random.shuffle(rows)
    for row in rows:
        if tenant.sold < services:
            tenant.add_product(_offers(row, tenant.random), services - tenant.sold)
    tenant.fill(products, [row for row in rows if row["code"] not in tenant.seen])
    made.vendor += tenant.vendor
    made.psa += tenant.psa
    made.truth |= tenant.truth


def _offers(row: dict[str, Any], random: Random) -> list[Offer]:
    """Return a product on all of its terms; other vendors than Microsoft sell by the month and the year."""
    stem = Random(row["code"])
    digits = "".join(stem.choice("0123456789BCDFGHJKLMNPQRSTVWXZ") for _ in range(4))
    mpn = f"{stem.randrange(10**7, 10**8)}{digits}"
    if row["vendor"] == "Microsoft":
        mpn = f"CFQ7TTC0{digits}:000{stem.choice('12359ABC')}"
    offer = Offer(
        row["vendor"], row["name"], row["code"], tuple(row["short"]), tuple(row["old"]), mpn, "", ""
    )
    terms = _TERMS if row["vendor"] == "Microsoft" else _TERMS[:3]
    chosen = random.sample(terms, random.choice((1, 1, 2, 2, 3)))
    return [replace(offer, term=term, billing=billing) for term, billing in sorted(chosen)]


class _Tenant:
    """What one tenant buys, and its PSA catalogue."""

    def __init__(self, name: str, random: Random, main: str) -> None:
        self._name, self.random, self._main = name, random, main
        self._short_mpn = random.random() < 0.5
        self._in_words = random.random() < 0.4
        self._taken: set[str] = set()
        self.seen: set[str] = set()
        self.vendor: list[Record] = []
        self.psa: list[Record] = []
        self.truth: dict[str, Label] = {}

    @property
    def sold(self) -> int:
        return len(self.vendor)

    def add_product(self, offers: Sequence[Offer], room: int) -> None:
        """Add the services of a product and, mostly, what they belong to, with terms that nobody buys."""
        self.seen.add(offers[0].code)
        bought = offers[:room]
        if self.random.random() < _ABSENT:
            for offer in bought:
                self._sell(offer, None, "not in the catalogue", "absent")
            return
        habit = self._habit(offers[0])
        shared = self._write(offers[0], habit) if habit == TERMLESS else None
        for offer in bought:
            if shared is None and len(bought) > 1 and self.random.random() < _ABSENT / 2:
                self._sell(offer, None, "other terms only", "absent")
            else:
                self._sell(offer, shared or self._write(offer, habit), habit, HABITS[habit][1])
        if shared is None and self.random.random() < 0.6:
            self._add_other_terms(offers, habit)

    def fill(self, products: int, unseen: Sequence[dict[str, Any]]) -> None:
        """Fill the catalogue up with products that are not bought, and with what providers sell."""
        for row in unseen:
            if len(self.psa) < products:
                offer = self.random.choice(_offers(row, self.random))
                self._write(offer, self._habit(offer))
        others, at = read_list("products")["others"], 0
        while len(self.psa) < products:
            text, mark = others[at % len(others)], at // len(others)
            suffix = ("", " Plus", " Silver", " Gold", " Small", " Large", " (monthly)", " 24x7")[mark % 8]
            code = re.sub(r"\W", "", text)[:12].upper() + f"{mark or ''}"
            self._store(code, f"{text}{suffix}{f' {mark}' if mark > 7 else ''}")
            at += 1

    def _habit(self, offer: Offer) -> str:
        names = [name for name in HABITS if name != "old name" or offer.old]
        habitual = self._main in names and self.random.random() < _HABITUAL
        return self._main if habitual else self.random.choice(names)

    def _add_other_terms(self, offers: Sequence[Offer], habit: str) -> None:
        bought = {(offer.term, offer.billing) for offer in offers}
        for term, billing in _TERMS:
            if (term, billing) not in bought and self.random.random() < 0.5:
                self._write(replace(offers[0], term=term, billing=billing), habit)

    def _write(self, offer: Offer, habit: str) -> Record:
        identifier, description = HABITS[habit][0](offer, self.random)
        return self._store(identifier, description)

    def _store(self, identifier: str, description: str) -> Record:
        while identifier in self._taken:
            identifier += self.random.choice("ABCDEFGH23456789")
        self._taken.add(identifier)
        number = f"{self.random.randrange(10**4, 10**7)}"
        item = {
            "id": f"{self._name}-{number}",
            "identifier": identifier,
            "description": description,
            "tenant": self._name,
        }
        self.psa.append(item)
        return item

    def _sell(self, offer: Offer, item: Record | None, kind: str, difficulty: str) -> None:
        identifier = f"{self._name}-s{len(self.vendor):04}"
        self.vendor.append(
            {
                "id": identifier,
                "name": offer.name,
                "mpn": offer.mpn if self._short_mpn else offer.full_mpn,
                "vendor": offer.vendor,
                "subscriptionPeriod": _period(offer.term, in_words=self._in_words),
                "billingPeriod": _period(offer.billing, in_words=self._in_words),
                "tenant": self._name,
            }
        )
        self.truth[identifier] = Label(item["id"] if item else None, kind, difficulty)


def _period(code: str, *, in_words: bool) -> str:
    return {"P1M": "1 month", "P1Y": "1 year", "P3Y": "3 years"}[code] if in_words else code
