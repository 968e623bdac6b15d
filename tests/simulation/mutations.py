"""What may happen at the providers at any instant, each a small change of the world drawn from a seed."""

# What is conserved is only moved about: between subscriptions, services and accounts that are billed in one
# place, by splits and by renewals. Everything else changes as it likes.

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random

from tests.simulation.world import (
    ACTIVE,
    HOLD,
    LISTED_WITHIN_SECONDS,
    REMOVED,
    BilledFacts,
    Subscription,
    Target,
    World,
)

Mutation = Callable[[World, Random], str | None]
"""Changes the world and says how; None when there was nothing to change."""


def change_seats(world: World, random: Random) -> str | None:
    one = _pick(world, random, free=True)
    if one is None:
        return None
    quantity = max(0, one.quantity + random.choice((-4, -2, -1, 1, 3, 7)))
    world.put(replace(one, quantity=quantity))
    return f"{one.id} of {one.account}: {one.quantity} → {quantity}"


def move_seats(world: World, random: Random) -> str | None:
    """Seats go from one subscription to another that is billed in the same place, at one instant."""
    one = _pick(world, random)
    others = [two for two in _beside(world, one) if two.id != one.id] if one else []
    if one is None or not others or not one.quantity:
        return None
    two = random.choice(others)
    seats = random.choice((one.quantity, random.randint(1, one.quantity)))
    world.put(replace(one, quantity=one.quantity - seats), replace(two, quantity=two.quantity + seats))
    return f"{seats} from {one.id} of {one.account} to {two.id} of {two.account}"


def split(world: World, random: Random) -> str | None:
    """Seats go into a new subscription of the same customer and service."""
    one = _pick(world, random)
    if one is None or one.quantity < 2:
        return None
    seats = random.randint(1, one.quantity - 1)
    number = world.next_number()
    new = replace(one, id=f"s{number}", number=number, quantity=seats)
    world.put(replace(one, quantity=one.quantity - seats), new)
    return f"{seats} split from {one.id} into {new.id}"


def renew(world: World, random: Random) -> str | None:
    """A monthly renewal: the old id ends, and a new one has what it had; lists may show it later."""
    one = _pick(world, random)
    if one is None:
        return None
    number = world.next_number()
    late = random.choice((0.0, 0.0, random.uniform(0.0, LISTED_WITHIN_SECONDS)))
    if not world.is_known(one.id):
        late = 0.0  # nobody could tell that anything ended (decision 30)
    new = replace(one, id=f"s{number}", number=number, listed_at=world.now + late)
    world.put(replace(one, status=REMOVED), new)
    return f"{one.id} is renewed as {new.id}: {one.quantity}"


def end(world: World, random: Random) -> str | None:
    one = _pick(world, random, free=True)
    if one is None:
        return None
    world.put(replace(one, status=REMOVED))
    return f"{one.id} of {one.account} ends with {one.quantity}"


def buy(world: World, random: Random) -> str | None:
    account, offer = random.choice(sorted(world.company_of)), random.choice(world.offers)
    number = world.next_number()
    new = Subscription(f"s{number}", account, offer, random.randint(1, 30), number=number)
    if world.place_of(new) in world.conserved or len(world.subscriptions) - len(world.bystanders) > 60:
        return None
    world.put(new)
    return f"{account} buys {new.quantity} of {offer.mpn} as {new.id}"


def hold(world: World, random: Random) -> str | None:
    """A subscription on hold is billed all the same."""
    one = _pick(world, random)
    if one is None:
        return None
    world.put(replace(one, status=HOLD if one.status == ACTIVE else ACTIVE))
    return f"{one.id} is {'put on' if one.status == ACTIVE else 'off'} hold"


def change_price(world: World, random: Random) -> str | None:
    one = _pick(world, random)
    if one is None:
        return None
    currency = random.choice(("USD", "USD", "EUR"))
    world.put(replace(one, price=one.price + 1, currency=currency))
    return f"{one.id} costs {one.price + 1} {currency}"


def map_account(world: World, random: Random) -> str | None:
    """A person revokes a mapping, or decides a new one; of what is conserved none is touched."""
    conserved = {company for company, _ in world.conserved}
    accounts = [one for one, company in sorted(world.company_of.items()) if company not in conserved]
    account = random.choice(accounts)
    free = [one for one in world.companies if one not in conserved]
    company = None if world.company_of[account] else random.choice(free)
    world.map(account, company)
    return f"{account} is mapped to {company}"


def write_to_line(world: World, random: Random) -> str | None:
    """Somebody else changes a number in the PSA."""
    line = _line(world, random)
    return _set_quantity(world, random, line) if line else None


def change_facts(world: World, random: Random) -> str | None:
    """The price, the included units or the product of a line change."""
    line = _line(world, random)
    return _change_fact(world, random, line) if line else None


def close_line(world: World, random: Random) -> str | None:
    line = _line(world, random)
    return _close_or_open(world, random, line) if line else None


def meddle(world: World, random: Random, line_id: str) -> str:
    """Somebody else works at a line just when we are about to write to it."""
    changes = (_set_quantity, _set_quantity, _change_fact, _close_or_open)
    return random.choice(changes)(world, random, world.lines[line_id])


def add_line(world: World, random: Random) -> str | None:
    if len(world.lines) > 25:
        return None
    company, product = random.choice(world.companies), random.choice(world.products)
    line_id = f"l{world.next_number()}"
    world.put(BilledFacts(line_id, f"ag-{company}", company, product, Decimal(random.randint(0, 20))))
    return f"line {line_id} is added for {company} and {product}"


def turn_odd(world: World, random: Random) -> str | None:
    """One entity answers 403, or its row cannot be understood."""
    one, line = _pick(world, random, free=True), _line(world, random)
    if one is not None and random.random() < 0.6:
        world.unreadable_subscriptions.add(one.id)
        return f"{one.id} cannot be read"
    if line is None:
        return None
    world.unreadable_lines.add(line.id)
    return f"line {line.id} cannot be read"


def heal(world: World, random: Random) -> str | None:
    odd = sorted((world.unreadable_subscriptions - world.bystanders) | world.unreadable_lines)
    if not odd:
        return None
    id_ = random.choice(odd)
    world.unreadable_subscriptions.discard(id_)
    world.unreadable_lines.discard(id_)
    return f"{id_} can be read again"


WEIGHTS: dict[Mutation, int] = {
    change_seats: 5,
    move_seats: 7,
    split: 4,
    renew: 5,
    end: 2,
    buy: 3,
    hold: 1,
    change_price: 2,
    map_account: 2,
    write_to_line: 3,
    change_facts: 3,
    close_line: 2,
    add_line: 1,
    turn_odd: 2,
    heal: 2,
}


def _pick(world: World, random: Random, *, free: bool = False) -> Subscription | None:
    """A subscription that counts; with `free` one of which the total may change."""
    found = [
        one
        for one in world.subscriptions.values()
        if one.counts
        and one.id not in world.unreadable_subscriptions | world.bystanders
        and not (free and world.place_of(one) in world.conserved)
    ]
    return random.choice(found) if found else None


def _beside(world: World, one: Subscription) -> list[Subscription]:
    place: Target = world.place_of(one)
    others = [two for two in world.subscriptions.values() if two.id not in world.bystanders]
    return [two for two in others if two.counts and world.place_of(two) == place]


def _line(world: World, random: Random) -> BilledFacts | None:
    return random.choice(list(world.lines.values())) if world.lines else None


def _set_quantity(world: World, random: Random, line: BilledFacts) -> str:
    quantity = Decimal(random.randint(0, 30))
    world.foreign_writes.append((world.now, line.id))
    world.put(replace(line, quantity=quantity))
    return f"line {line.id}: {line.quantity} → {quantity} by somebody else"


def _change_fact(world: World, random: Random, line: BilledFacts) -> str:
    change = random.choice(("price", "included", "product", "charged"))
    changed = {
        "price": replace(line, price=line.price + 1),
        "included": replace(line, included=Decimal(random.randint(0, 3))),
        "product": replace(line, product=random.choice(world.products)),
        "charged": replace(line, charged=not line.charged),
    }[change]
    world.put(changed)
    return f"line {line.id}: {change} is now {getattr(changed, change)}"


def _close_or_open(world: World, _: Random, line: BilledFacts) -> str:
    world.put(replace(line, ends_on=None if line.ends_on else date(2025, 1, 1)))
    return f"line {line.id} is {'opened again' if line.ends_on else 'closed'}"
