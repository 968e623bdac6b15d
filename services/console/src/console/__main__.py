"""Runs the console: `python -m console`."""

from console.app import create_app
from console.settings import Settings
from shared.runtime.lifespan import serve

serve(create_app, Settings, "console")
