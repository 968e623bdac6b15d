"""The rules that `make mutants` breaks, three or more for each invariant that they keep, and how."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule, broken: `old` becomes `new` in a file."""

    invariant: str
    rule: str
    path: str
    old: str
    new: str
    first_seed: int = 1
    """Where it is looked for first: a seed in which it was noticed."""


_BILLING, _SHARED = "services/billing/src/billing", "shared/src/shared"
_VENDOR, _PSA = "services/vendor-sync/src/vendor_sync", "services/psa-sync/src/psa_sync"
MUTANTS = (
    Mutant(
        "a",
        "spans without a common instant are added up",
        f"{_BILLING}/usage/vendor_count.py",
        "if common_span(sources.manifests, sources.item_ids).is_empty:",
        "if False:",
        2,
    ),
    Mutant(
        "a",
        "an account that was never read completely adds nothing",
        f"{_BILLING}/usage/vendor_count.py",
        "if not sources.all_read:",
        "if False:",
    ),
    Mutant(
        "a",
        "an agreement line that has ended bills on",
        f"{_BILLING}/usage/psa_count.py",
        "if open_on(day, line.starts_on, line.ends_on):",
        "if line.billable:",
        2,
    ),
    Mutant(
        "f",
        "a restored database knows what was sent",
        f"{_PSA}/writes/writer.py",
        "if restored_at and may_be_forgotten(intent, restored_at):",
        "if False:",
        6,
    ),
    Mutant(
        "b",
        "what changed is said to be known since ever",
        f"{_SHARED}/sync_engine/account_manifest.py",
        "changed = max(record.changed_revision, thing.changed_revision)",
        "changed = record.changed_revision",
        2,
    ),
    Mutant(
        "b",
        "what an account has is known up to its listing, whenever its things were read",
        f"{_SHARED}/sync_engine/account_manifest.py",
        "until[item] = min(until[item], thing.read_revision)",
        "until[item] = max(until[item], thing.read_revision)",
        3,
    ),
    Mutant(
        "b",
        "the newest observation counts, whichever the manifest names",
        f"{_BILLING}/observations/effective_things.py",
        'return row is not None and row["revision"] == version.revision',
        "return row is not None",
    ),
    Mutant(
        "c",
        "a manifest counts before what it names is stored",
        f"{_BILLING}/observations/manifests.py",
        "and not one.statements.items() & known.unstored",
        "and one.statements is not None",
    ),
    Mutant(
        "c",
        "a run is closed by its own word",
        f"{_BILLING}/runs/models.py",
        "if applied >= self.manifests and not went_back:",
        "if applied >= 0:",
    ),
    Mutant(
        "c",
        "what is not in the history is taken for stored",
        f"{_BILLING}/observations/stored_statements.py",
        "                of_account.unstored.add((id_, revision))",
        "                continue",
    ),
    Mutant(
        "d",
        "the read-back of a write counts for ever",
        f"{_BILLING}/observations/effective_things.py",
        "> (named[line_id].read_revision if line_id in named else manifest.listed_revision)",
        "> 0",
    ),
    Mutant(
        "d",
        "one detail that is refused ends the reading",
        f"{_VENDOR}/runs/detail_reader.py",
        "except (PermanentError, TransientError) as error:  # after all attempts (shared.http_client)",
        "except TransientError as error:  # after all attempts (shared.http_client)",
    ),
    Mutant(
        "d",
        "a row that cannot be understood makes the list of all short",
        f"{_VENDOR}/runs/listing.py",
        "                if page.short:",
        "                if page.short or page.refused:",
    ),
    Mutant(
        "e",
        "a write is bound to the quantity alone",
        f"{_PSA}/writes/terms.py",
        "        if approved != current:",
        "        if False:",
    ),
    Mutant(
        "e",
        "a line is not looked at once more before it is written to",
        f"{_PSA}/writes/sender.py",
        "        if latest == line:",
        "        if latest:",
        5,
    ),
    Mutant(
        "e",
        "a write replaces whatever number the line holds",
        f"{_PSA}/writes/decide.py",
        "    if current is None or current != command.expected_current:",
        "    if current is None:",
    ),
    Mutant(
        "f",
        "a line is written to while an earlier request may still arrive",
        f"{_PSA}/writes/writer.py",
        "            if arrives_until and await self.clock() < arrives_until:",
        "            if False:",
        2,
    ),
    Mutant(
        "f",
        "a conflict over what was sent is told as if nothing had been written",
        f"{_BILLING}/approvals/models.py",
        "contested = result.sent and result.reason is WriteRefusal.CONFLICT",
        "contested = False",
        2,
    ),
    Mutant(
        "f",
        "the PSA's word is taken for proof",
        f"{_PSA}/writes/sender.py",
        "            await self.intents.save(acknowledged)",
        "            await self.endings.finish(acknowledged.finish_written(await self.clock(), sent=True))",
        7,
    ),
    Mutant(
        "g",
        "a result of a write is not sent",
        f"{_PSA}/writes/repository.py",
        "            stored = await self._store_next_version(intent, session)\n"
        "            await self._outbox.add(messages, session=session,"
        " correlation_id=intent.command.approval_id)",
        "            stored = await self._store_next_version(intent, session)",
    ),
    Mutant(
        "g",
        "a run whose worker was killed is not taken up",
        f"{_SHARED}/sync_engine/run_repository.py",
        '{"state": {"$in": OPEN}, "tenant_id"',
        '{"state": RunState.QUEUED, "tenant_id"',
    ),
    Mutant(
        "g",
        "a message is forgotten before it is sent",
        f"{_SHARED}/outbox.py",
        "        try:\n            await self._sender.send([_envelope(row) for row in rows]",
        '        await self._rows.remove_many(row["_id"] for row in rows)\n'
        "        try:\n            await self._sender.send([_envelope(row) for row in rows]",
        2,
    ),
    Mutant(
        "h",
        "a line that is gone is not announced",
        f"{_BILLING}/usage/diff.py",
        "    revision = _next(line.revision, now)",
        "    revision = line.revision",
    ),
    Mutant(
        "h",
        "a line's revision counts from what the database holds",
        f"{_BILLING}/usage/diff.py",
        "return max(revision + 1, (now - _EPOCH) // timedelta(microseconds=1))",
        "return revision + 1",
        49,
    ),
    Mutant(
        "h",
        "what was committed last leaves first",
        f"{_SHARED}/outbox.py",
        '_ORDER = [("counted", 1), ("seq", 1)]',
        '_ORDER = [("counted", 1), ("seq", -1)]',
        2,
    ),
    Mutant(
        "i",
        "a company to which nobody is mapped has no lines",
        f"{_BILLING}/usage/allocation.py",
        "    if group.psa_account:",
        "    if group.psa_account and group.accounts:",
    ),
    Mutant(
        "i",
        "what several agreement lines bill has no line",
        f"{_BILLING}/usage/allocation.py",
        "if of_product.line_count or of_product.moved_line_ids",
        "if of_product.line_count == 1",
    ),
    Mutant(
        "i",
        "a line that is calculated no more stays as it was",
        f"{_BILLING}/usage/diff.py",
        "sorted(before.keys() | after.keys())",
        "sorted(after.keys())",
    ),
)
