"""Runs vendor-sync."""

from shared.runtime.command_line import main
from vendor_sync.app import create_app
from vendor_sync.settings import Settings

main(create_app, Settings, "vendor-sync")
