"""Ranks one task in a process of its own (`python -m matcher.proposals.engine_worker`), from stdin to stdout.

What the engine rests on takes 70 MB, a large task a hundred more: all of it goes when the process ends.
"""

import sys

from pydantic import TypeAdapter

from matcher.proposals.engine import propose_accounts, propose_services
from matcher.proposals.engine_task import AccountTask, RankedLine, ServiceTask, Task
from matcher.proposals.models import RankedItem
from shared.contracts.matcher import ProposalReason


def rank(task: AccountTask | ServiceTask) -> dict[str, list[RankedItem]]:
    """Returns the likeliest PSA items of each vendor item, by its key."""
    proposals = (
        propose_accounts(task.vendor, task.psa, explained=True)
        if isinstance(task, AccountTask)
        else propose_services(task.vendor, task.psa, explained=True)
    )
    return {
        key: [
            RankedItem(
                one.psa_id,
                one.probability,
                tuple(
                    ProposalReason(kind=r.kind, words=r.words, speaks_for=r.speaks_for) for r in one.reasons
                ),
            )
            for one in listed
        ]
        for key, listed in proposals.items()
        if listed
    }


if __name__ == "__main__":
    found = rank(TypeAdapter(Task).validate_json(sys.stdin.buffer.read()))
    lines: TypeAdapter[RankedLine] = TypeAdapter(RankedLine)
    sys.stdout.buffer.writelines(lines.dump_json(line) + b"\n" for line in found.items())
