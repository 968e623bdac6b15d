"""Answers tasks in a process of its own (`python -m matcher.proposals.engine_worker`), from stdin to stdout.

A task is a line, its answer some lines and an empty one; the process ends when its input does. What the
engine rests on takes 70 MB, kept lists a few hundred more: all of it goes when the process ends.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from pydantic import TypeAdapter

from matcher.proposals.account_index import AccountIndex
from matcher.proposals.engine import Proposal, propose_accounts, propose_services
from matcher.proposals.engine_task import AccountTask, Ranked, RankedLine, ServiceTask, Task
from matcher.proposals.models import RankedItem
from matcher.proposals.service_index import ServiceIndex
from shared.contracts.matcher import ProposalReason

_TASKS: TypeAdapter[AccountTask | ServiceTask] = TypeAdapter(Task)
_LINES: TypeAdapter[RankedLine] = TypeAdapter(RankedLine)


class EngineWorker:
    """Keeps the lists that it was told to keep."""

    def __init__(self) -> None:
        self._accounts = dict[str, AccountIndex]()
        self._services = dict[str, ServiceIndex]()

    def answer(self, task: AccountTask | ServiceTask) -> Ranked:
        """Returns the likeliest PSA items by vendor item's key: all of new lists, else what has changed."""
        for name in (*task.forgotten, *([task.name] if task.is_new else ())):
            self._accounts.pop(name, None)
            self._services.pop(name, None)
        if not task.is_kept:
            return _ranked(_compare(task))
        index: AccountIndex | ServiceIndex
        if isinstance(task, AccountTask):
            index = accounts = self._accounts.setdefault(task.name, AccountIndex())
            changed = accounts.update(
                {one.id: one for one in task.vendor} | dict.fromkeys(task.gone_vendor),
                {one.id: one for one in task.psa} | dict.fromkeys(task.gone_psa),
            )
        else:
            index = services = self._services.setdefault(task.name, ServiceIndex())
            changed = services.update(
                {one.id: one for one in task.vendor} | dict.fromkeys(task.gone_vendor),
                {one.id: one for one in task.psa} | dict.fromkeys(task.gone_psa),
            )
        return _ranked({id_: index.proposals.get(id_, []) for id_ in sorted(changed | {*task.wanted})})


def _compare(task: AccountTask | ServiceTask) -> dict[str, list[Proposal]]:
    found = (
        propose_accounts(task.vendor, task.psa, explained=True)
        if isinstance(task, AccountTask)
        else propose_services(task.vendor, task.psa, explained=True)
    )
    return {key: listed for key, listed in found.items() if listed}


def _ranked(proposals: Mapping[str, Sequence[Proposal]]) -> Ranked:
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
    }


def serve(tasks: BinaryIO, answers: BinaryIO) -> None:
    """Answers one task after the other, until there are no more."""
    worker = EngineWorker()
    for line in iter(tasks.readline, b""):
        ranked = worker.answer(_TASKS.validate_json(line))
        answers.writelines(_LINES.dump_json(answer) + b"\n" for answer in ranked.items())
        answers.write(b"\n")
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
