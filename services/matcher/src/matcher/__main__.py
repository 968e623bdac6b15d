"""Runs matcher."""

from matcher.app import create_app
from matcher.settings import Settings
from shared.runtime.lifespan import serve

serve(create_app, Settings, "matcher")
