"""Starts billing as a process of its own."""

from billing.app import create_app
from billing.settings import Settings
from shared.runtime.lifespan import serve

serve(create_app, Settings, "billing")
