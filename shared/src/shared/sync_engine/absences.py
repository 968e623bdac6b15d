"""Confirms absences: what vanished from a list is read once by itself before it counts as absent."""

# Invariant: nothing is published as absent because a list left it out. Lists are read page by page while the
# provider changes them, are filtered by status, and may come back short, so a thing that is missing from a
# list is read by its id, and only the provider's own "there is none" makes it absent (architecture §4).
#
#   last seen {a, b, c}   listed {a}   → b and c vanished   read b → there: published as read
#                                                           read c → none: published as absent

from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar

from shared.contracts import Observation
from shared.sync_engine.models import translate_provider_errors
from shared.sync_engine.run_context import RunContext
from shared.sync_engine.stamp import Stamp

O = TypeVar("O", bound=Observation)  # noqa: E741  one letter, as type variables have
T = TypeVar("T")


async def vanished(
    context: RunContext, model: type[O], listed_ids: Collection[str], id_of: Callable[[O], str]
) -> list[O]:
    """Returns what was present when last seen and is in no list now."""
    return [
        last_seen
        async for last_seen in context.publisher.last_seen(model)
        if last_seen.present and id_of(last_seen) not in listed_ids
    ]


async def confirm_absence(
    context: RunContext,
    last_seen: O,
    read: Callable[[], Awaitable[T | None]],
    observe: Callable[[T, Stamp], O],
    *,
    stays: bool = False,
) -> None:
    """Reads a vanished thing once, and publishes it as it was read, or as absent.

    With `stays` it is never absent: the provider still shows what belongs to it. Raises `ProviderUnreachable`
    when the provider does not answer, and what else the read raises.
    """
    stamp = await context.stamp()
    with translate_provider_errors():
        thing = await read()
    if thing is not None:
        await context.publisher.publish([observe(thing, stamp)])
    elif not stays:
        await context.publisher.publish([stamp.absent(last_seen)])
