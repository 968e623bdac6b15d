"""Starting and ending a service: broker, relay and jobs up in order, drained in reverse."""

# Up:    on_startup (indexes) → broker connects and consumes → jobs
# Down:  consuming stops → each job finishes its step → broker stops → on_shutdown, in the order given
#
# Jobs outlive consuming, to work on what was stored last; the producer outlives the jobs, so that the relay
# can send. A step that outlasts the grace is cancelled, which is as safe as being killed: what matters is
# stored.

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI
from faststream.kafka import KafkaBroker

from shared.runtime import crash_points, http_server
from shared.runtime.attempt import attempt
from shared.runtime.event_loop_monitor import EventLoopMonitor
from shared.runtime.health import Health
from shared.runtime.jobs import Job
from shared.runtime.logged_errors import LOGGED_ERRORS
from shared.runtime.logging import configure
from shared.runtime.settings import ServiceSettings, load
from shared.web.problems import install_problem_handlers
from shared.web.request_bounds import BoundedApplication

log = structlog.get_logger()

LifespanHook = Callable[[], Awaitable[Any]]

JOB_GRACE = timedelta(seconds=20)
"""How long the steps that are going on may take when the service ends."""
_BROKER_PING_TIMEOUT_SECONDS = 3


@asynccontextmanager
async def service_lifespan(
    *,
    health: Health,
    broker: KafkaBroker | None = None,
    jobs: Sequence[Job] = (),
    on_startup: Sequence[LifespanHook] = (),
    on_shutdown: Sequence[LifespanHook] = (),
) -> AsyncIterator[None]:
    """Runs a service while the block runs; what `on_startup` or the broker's start raises ends it at once."""
    async with AsyncExitStack() as stack:
        for close in reversed(on_shutdown):
            stack.push_async_callback(_close_safely, close)
        monitor = EventLoopMonitor()
        health.add_degradation_check("event loop", monitor.degradation)
        health.add_degradation_check("errors", LOGGED_ERRORS.degradation)
        await stack.enter_async_context(monitor.running())
        for start in on_startup:
            await start()
        if broker:
            stack.push_async_callback(_close_safely, broker.stop)
            await broker.start()
            _add_broker_health(broker, health)
        await stack.enter_async_context(_run_jobs(jobs, health))
        if broker:
            stack.push_async_callback(_stop_consuming, broker)
        log.info("service_started", service=health.service)
        yield
        log.info("service_stopping", service=health.service)


def create_application(
    health: Health,
    lifespan: Callable[[], AbstractAsyncContextManager[None]],
    routers: Iterable[APIRouter] = (),
    *,
    broker: KafkaBroker | None = None,
) -> FastAPI:
    """Builds a service's application: its routes, its health, its errors as problem documents.

    It has no docs page, which would load scripts from elsewhere; `/openapi.json` is there. `app.state.broker`
    holds the broker, for whoever asks which topics the service consumes.
    """
    app = BoundedApplication(
        title=f"Trueup {health.service}", lifespan=lambda _: lifespan(), docs_url=None, redoc_url=None
    )
    install_problem_handlers(app)
    app.include_router(health.router())
    for router in routers:
        app.include_router(router)
    app.state.broker = broker
    return app


def serve(create_app: Callable[[Any], FastAPI], settings_class: type[ServiceSettings], service: str) -> None:
    """Runs one service until it is told to stop; a missing setting ends it with code 2 and one line."""
    crash_points.arm()
    settings = load(settings_class)
    configure(service, settings.log_level)
    http_server.run(create_app(settings), settings.http)


@asynccontextmanager
async def _run_jobs(jobs: Sequence[Job], health: Health) -> AsyncIterator[None]:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(job.run(stop, health), name=job.name) for job in jobs]
    try:
        yield
    finally:
        stop.set()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=JOB_GRACE.total_seconds())
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _stop_consuming(broker: KafkaBroker) -> None:
    for subscriber in broker.subscribers:
        await _close_safely(subscriber.stop)


def _add_broker_health(broker: KafkaBroker, health: Health) -> None:
    async def ping() -> None:
        if not await broker.ping(timeout=_BROKER_PING_TIMEOUT_SECONDS):
            raise ConnectionError("Kafka does not answer")

    health.add_readiness_probe("kafka", ping)
    for subscriber in broker.subscribers:
        name = f"consume {','.join(_topics_of(subscriber))}"
        health.add_liveness_check(name, partial(_is_consuming, subscriber))


def _is_consuming(subscriber: Any) -> bool:
    """A consume loop that ended never comes back by itself, and makes the process count as dead."""
    return not any(task.done() for task in subscriber.tasks)


def _topics_of(subscriber: Any) -> list[str]:
    names: list[str] = subscriber.topic_names
    return names


async def _close_safely(close: LifespanHook) -> None:
    """Logs what closing raises: one part that cannot be closed must not keep the others open."""
    error = await attempt(close())
    if isinstance(error, Exception):
        log.warning("closing_failed", part=getattr(close, "__qualname__", str(close)), error=repr(error))
