"""Real stores for every test that needs one: started once, a fresh database each time."""

import gc
import os

import structlog
from hypothesis import HealthCheck, settings

# Read by the launcher and by those that the tests start: no start may fail because the machine is busy.
os.environ.setdefault("TRUEUP_TIMEOUT_SECONDS", "300")

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("trueup", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("trueup")

# The usual tracebacks show every variable of every frame, and take seconds each.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_collection_finish() -> None:
    """Has the collector of garbage leave alone what stays: looking through it was a seventh of all time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


pytest_plugins = ("workers", "stores")
