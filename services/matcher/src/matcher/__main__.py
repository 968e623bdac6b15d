"""Runs matcher."""

from matcher.app import create_app
from matcher.settings import Settings
from shared.runtime.command_line import main

main(create_app, Settings, "matcher")
