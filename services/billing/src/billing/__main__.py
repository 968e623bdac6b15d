"""Starts billing as a process of its own."""

from billing.app import create_app
from billing.settings import Settings
from shared.runtime.command_line import main

main(create_app, Settings, "billing")
