"""Starting and ending a service: broker, relay and jobs up in order, drained in reverse."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI
from faststream.kafka import KafkaBroker

from shared.runtime import crash_points
from shared.runtime.attempt import attempt
from shared.runtime.health import Health
from shared.runtime.jobs import Job
from shared.runtime.logging import configure
from shared.runtime.settings import ServiceSettings, load
from shared.web.problems import install_problem_handlers

log = structlog.get_logger()

CloseHook = Callable[[], Awaitable[Any]]

_GRACE = timedelta(seconds=20)


@asynccontextmanager
async def running(
    *,
    health: Health,
    broker: KafkaBroker | None = None,
    jobs: Sequence[Job] = (),
    starting: Sequence[CloseHook] = (),
    closing: Sequence[CloseHook] = (),
) -> AsyncIterator[None]:
    """Run `starting`, consume, work; at the end stop consuming, finish the steps going on, then close.

    `closing` runs in the order given, each even when one before it failed.
    """
    async with AsyncExitStack() as stack:
        for close in reversed(closing):
            stack.push_async_callback(_quietly, close)
        for start in starting:
            await start()
        if broker:
            stack.push_async_callback(_quietly, broker.stop)
            await broker.start()
            _watch(broker, health)
        await stack.enter_async_context(_working(jobs, health))
        if broker:
            stack.push_async_callback(_stop_consuming, broker)
        log.info("service_started", service=health.service)
        yield
        log.info("service_stopping", service=health.service)


def application(
    health: Health,
    lifespan: Callable[[], AbstractAsyncContextManager[None]],
    routers: Iterable[APIRouter] = (),
    *,
    broker: KafkaBroker | None = None,
) -> FastAPI:
    """A service as an application: its routes, its health, its errors as problem documents.

    No docs page, which would load scripts from elsewhere; `/openapi.json` is there. The broker is kept at
    `app.state.broker`, for whoever asks what the service hears.
    """
    app = FastAPI(
        title=f"Trueup {health.service}", lifespan=lambda _: lifespan(), docs_url=None, redoc_url=None
    )
    install_problem_handlers(app)
    app.include_router(health.router())
    for router in routers:
        app.include_router(router)
    app.state.broker = broker
    return app


def serve(create_app: Callable[[Any], FastAPI], settings_class: type[ServiceSettings], service: str) -> None:
    """Run one service until it is told to stop; a missing setting ends it with code 2 and one line."""
    crash_points.arm()
    settings = load(settings_class)
    configure(service, settings.log_level)
    uvicorn.run(
        create_app(settings),
        host=settings.http.host,
        port=settings.http.port,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=5,
    )


@asynccontextmanager
async def _working(jobs: Sequence[Job], health: Health) -> AsyncIterator[None]:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(job.run(stop, health), name=job.name) for job in jobs]
    try:
        yield
    finally:
        stop.set()
        await _drained(tasks)


async def _drained(tasks: list[asyncio.Task[None]]) -> None:
    """Steps that are going on may finish; what outlasts the grace is cancelled and found again."""
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=_GRACE.total_seconds())
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _stop_consuming(broker: KafkaBroker) -> None:
    """Before the jobs end, so that they can still see to what was stored last."""
    for subscriber in broker.subscribers:
        await _quietly(subscriber.stop)


def _watch(broker: KafkaBroker, health: Health) -> None:
    """A consume loop that ended never comes back by itself: the process must count as dead."""
    health.check("kafka", lambda: _reached(broker))
    for subscriber in broker.subscribers:
        health.lives(f"consume {','.join(_topics_of(subscriber))}", partial(_consuming, subscriber))


def _consuming(subscriber: Any) -> bool:
    return not any(task.done() for task in subscriber.tasks)


def _topics_of(subscriber: Any) -> list[str]:
    names: list[str] = subscriber.topic_names
    return names


async def _reached(broker: KafkaBroker) -> None:
    if not await broker.ping(timeout=3):
        raise ConnectionError("Kafka does not answer")


async def _quietly(close: CloseHook) -> None:
    error = await attempt(close())
    if isinstance(error, Exception):
        log.warning("closing_failed", part=getattr(close, "__qualname__", str(close)), error=repr(error))
