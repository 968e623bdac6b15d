"""Finds out which of the observations that manifests name are stored, and of which account they are."""

from collections.abc import Collection, Mapping

from billing.observations.manifests import StoredStatements
from billing.observations.repository import HISTORY, history_id
from billing.usage.ref import Ref, RefKind
from shared.contracts.base import key_of
from shared.mongo import Mongo

_ROWS = {RefKind.VENDOR_ACCOUNT: "subscriptions", RefKind.PSA_ACCOUNT: "agreement_lines"}


async def stored_statements(
    mongo: Mongo, tenant_id: str, statements: Mapping[Ref, Collection[tuple[str, int]]]
) -> dict[Ref, StoredStatements]:
    """Returns what is known of the observations of these statements (thing and revision), by account."""
    known: dict[Ref, StoredStatements] = {}
    for kind, name in _ROWS.items():
        # Two manifests of one account may name a thing at two revisions.
        named = [
            (key_of(tenant_id, account.integration_id, id_), account, id_, revision)
            for account, of_account in statements.items()
            if account.kind is kind
            for id_, revision in of_account
        ]
        rows = await mongo.documents(name, tenant_id).get_many(
            {key for key, *_ in named}, fields=["revision", "ref"]
        )
        older = {
            (key, revision): history_id(name, key, revision)
            for key, _, _, revision in named
            if key not in rows or rows[key]["revision"] != revision
        }
        history = await mongo.documents(HISTORY, tenant_id).get_many(older.values(), fields=["ref"])
        refs = {account: account.encode() for account in statements}
        for key, account, id_, revision in named:
            of_account = known.setdefault(account, StoredStatements(set(), set(), {}))
            row, past = rows.get(key), older.get((key, revision))
            if row and row["revision"] != revision:
                of_account.newest[id_] = row["revision"]
            stated = history.get(past) if past else row
            if stated is None:
                of_account.unstored.add((id_, revision))
            elif stated["ref"] != refs[account]:
                of_account.elsewhere.add((id_, revision))
    return known
