"""Runs auth: `python -m auth`."""

from auth.app import create_app
from auth.settings import Settings
from shared.runtime.lifespan import serve

serve(create_app, Settings, "auth")
