"""Runs auth: `python -m auth`."""

from auth.app import create_app
from auth.settings import Settings
from shared.runtime.command_line import main

main(create_app, Settings, "auth")
