"""Makes labelled lists of services: what a marketplace sells and how an MSP wrote it into its PSA."""

from dataclasses import dataclass
from random import Random

from matcher.proposals.records import ServiceRecord
from trainer.product_habits import HABITS, SoldProduct, termless
from trainer.vocabulary import BRANDS, KINDS, MICROSOFT, OTHERS, PERIODS, TIERS

_BILLED, _TERM_BILLED = 0.86, 0.93
"""How often a product, and one of its terms, is in the PSA."""
_KINDS = 4


@dataclass(frozen=True)
class ServiceSet:
    """Services, products and, for each service id, the product id that is meant; None where there is none."""

    vendor: list[ServiceRecord]
    psa: list[ServiceRecord]
    truth: dict[str, str | None]


def make_service_set(rng: Random) -> ServiceSet:
    """Returns the lists of one tenant, which has one or two habits."""
    offers = _offers(rng)
    habits = rng.sample(HABITS, rng.choice((1, 1, 2)))
    vendor, psa, truth = list[ServiceRecord](), list[ServiceRecord](), dict[str, str | None]()
    for at, offers_of_product in enumerate(_by_product(offers)):
        habit, billed = rng.choice(habits), rng.random() < _BILLED
        for number, offer in enumerate(offers_of_product):
            place = f"{at}-{number}"
            target = (
                (f"p{at}-0" if habit is termless else f"p{place}")
                if billed and (habit is termless or rng.random() < _TERM_BILLED)
                else None
            )
            if target == f"p{place}":
                code, text = habit(offer, rng)
                psa.append(ServiceRecord(id=target, name=_misspelt(text, rng), code=code, is_code_text=True))
            if rng.random() < 0.6:
                vendor.append(
                    ServiceRecord(
                        f"v{place}",
                        offer.name,
                        offer.mpn,
                        vendor=offer.vendor,
                        term=offer.term,
                        billing_period=offer.billing,
                    )
                )
                truth[f"v{place}"] = target
    rng.shuffle(psa)
    return ServiceSet(vendor, psa, truth)


def _by_product(offers: list[SoldProduct]) -> list[list[SoldProduct]]:
    groups = dict[tuple[str, str], list[SoldProduct]]()
    for offer in offers:
        groups.setdefault((offer.vendor, offer.name), []).append(offer)
    return list(groups.values())


def _misspelt(text: str, rng: Random) -> str:
    """Returns the text, one time in fifty with two letters swapped."""
    places = [at for at in range(1, len(text) - 2) if text[at : at + 2].isalpha()]
    if rng.random() >= 0.02 or not places:
        return text
    at = rng.choice(places)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _offers(rng: Random) -> list[SoldProduct]:
    names = [("Microsoft", name) for name in rng.sample(MICROSOFT, rng.randrange(15, len(MICROSOFT)))]
    for vendor, products in OTHERS.items():
        if rng.random() < 0.5:
            names += [(vendor, name) for name in products]
    kinds = rng.sample(KINDS, _KINDS)  # few, so that several brands sell the same
    for brand in rng.sample(BRANDS, 5):
        of_brand = rng.sample(kinds, 2)
        names += [(brand, f"{brand} {kind} {tier}") for kind in of_brand for tier in rng.sample(TIERS, 3)]
    offers = list[SoldProduct]()
    for vendor, name in names:
        base = "".join(rng.choice("0123456789BCDFGHJKLMNPQRSTVWXZ") for _ in range(4))
        mpn = (
            f"CFQ7TTC0{base}:{rng.randrange(1, 20):04d}"
            if vendor == "Microsoft"
            else f"{vendor[:3].upper()}{rng.randrange(10_000, 99_999)}"
        )
        periods = (
            rng.sample(PERIODS, rng.choice((1, 2, 3, 5)))
            if vendor == "Microsoft" or rng.random() < 0.4
            else [rng.choice(PERIODS)]
        )
        offers += [SoldProduct(vendor, name, mpn, *both) for both in periods]
    return offers
