"""Runs psa-sync."""

from psa_sync.app import create_app
from psa_sync.settings import Settings
from shared.runtime.command_line import main

main(create_app, Settings, "psa-sync")
