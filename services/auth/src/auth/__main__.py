"""Runs auth."""

from auth.app import create_app
from auth.settings import Settings
from shared.serving import serve

serve(create_app, Settings, "auth")
