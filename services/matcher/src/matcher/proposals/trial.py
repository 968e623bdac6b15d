"""Says what the matcher would map and propose for two plain lists (`python -m matcher trial`)."""

import json
import sys
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matcher.catalogue.items import Item
from matcher.proposals.engine import Proposal, propose_accounts, propose_services
from matcher.proposals.label_pairs import exact_target, psa_groups, vendor_groups
from matcher.proposals.list_items import account_item, offering_item
from matcher.proposals.trial_lists import AccountRow, ProductRow, VendorServiceRow, read_rows
from shared.contracts.base import Side
from shared.contracts.matcher import NameEquality
from shared.errors import PermanentError


def main(arguments: Sequence[str]) -> int:
    """Reads both lists, writes the predictions; returns the exit code: 1 when a list cannot be used."""
    parser = ArgumentParser(prog="python -m matcher trial", description=__doc__)
    parser.add_argument("--kind", choices=("accounts", "services"), required=True)
    for name, help_ in (
        ("vendor", "what the marketplace has"),
        ("psa", "what the PSA has"),
        ("out", "where to write"),
    ):
        parser.add_argument(
            f"--{name}",
            type=Path,
            required=True,
            help=help_ + (" (JSON or CSV)" if name != "out" else " (JSON)"),
        )
    parser.add_argument(
        "--equality",
        type=NameEquality,
        choices=list(NameEquality),
        default=NameEquality.EXACT,
        help="when names are equal, so that items map themselves",
    )
    parser.add_argument("--reasons", action="store_true", help="say why, and what speaks against it")
    given = parser.parse_args(arguments)
    try:
        _require_place(given.out, [given.vendor, given.psa])
        found = (
            accounts_trial(given.vendor, given.psa, given.equality, explained=given.reasons)
            if given.kind == "accounts"
            else services_trial(given.vendor, given.psa, given.equality, explained=given.reasons)
        )
        given.out.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")
    except (PermanentError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 (a command)
        return 1
    shown = sum(bool(proposed) for proposed in found["proposals"].values())
    print(  # noqa: T201 (a command)
        f"{len(found['proposals'])} {given.kind}: {len(found['auto'])} map themselves, {shown} have proposals"
    )
    return 0


def _require_place(out: Path, lists: Sequence[Path]) -> None:
    """Raises `PermanentError` before any work is done for what cannot be written there."""
    if out.resolve() in [path.resolve() for path in lists]:
        raise PermanentError(f"{out} is one of the lists, and would be lost: name another file to write")
    if out.is_dir() or not out.parent.is_dir():
        raise PermanentError(f"{out} cannot be written: name a file in a directory that exists")


def accounts_trial(
    vendor_path: Path, psa_path: Path, equality: NameEquality, *, explained: bool = False
) -> dict[str, Any]:
    vendor = [row.record() for row in read_rows(vendor_path, AccountRow)]
    psa = [row.record() for row in read_rows(psa_path, AccountRow)]
    ours = [account_item(Side.VENDOR, one) for one in vendor]
    theirs = [account_item(Side.PSA, one) for one in psa]
    auto = exact_pairs(ours, theirs, equality)
    return _predictions(propose_accounts(vendor, psa, explained=explained), auto)


def services_trial(
    vendor_path: Path, psa_path: Path, equality: NameEquality, *, explained: bool = False
) -> dict[str, Any]:
    """Matches within each tenant: two MSPs may call different products alike."""
    lists: dict[str, tuple[list[VendorServiceRow], list[ProductRow]]] = defaultdict(lambda: ([], []))
    for service in read_rows(vendor_path, VendorServiceRow):
        lists[service.tenant][0].append(service)
    for product in read_rows(psa_path, ProductRow):
        lists[product.tenant][1].append(product)
    proposals, auto = dict[str, list[Proposal]](), dict[str, str]()
    for services, products in lists.values():
        vendor, psa = [row.record() for row in services], [row.record() for row in products]
        proposals |= propose_services(vendor, psa, explained=explained)
        ours = [offering_item(Side.VENDOR, one) for one in vendor]
        theirs = [offering_item(Side.PSA, one) for one in psa]
        auto |= exact_pairs(ours, theirs, equality)
    return _predictions(proposals, auto)


def exact_pairs(vendor: Sequence[Item], psa: Sequence[Item], equality: NameEquality) -> dict[str, str]:
    """Returns the PSA id by vendor id of the items that map themselves, as the service does it."""
    ours, theirs = vendor_groups(vendor, equality), psa_groups(psa, equality)
    found = {item.id: exact_target(item, ours, theirs) for item in vendor}
    return {id_: target.id for id_, target in found.items() if target}


def _predictions(proposals: dict[str, list[Proposal]], auto: dict[str, str]) -> dict[str, Any]:
    return {
        "proposals": {id_: [_shown(one) for one in proposed] for id_, proposed in proposals.items()},
        "auto": auto,
    }


def _shown(proposal: Proposal) -> dict[str, Any]:
    shown = {"psa_id": proposal.psa_id, "score": round(proposal.probability, 4)}
    if not proposal.reasons:
        return shown
    said = {
        side: [reason.words for reason in proposal.reasons if reason.speaks_for is speaks_for]
        for side, speaks_for in (("for", True), ("against", False))
    }
    return {**shown, **said}
