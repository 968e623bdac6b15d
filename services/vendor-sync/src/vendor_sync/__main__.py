"""Runs vendor-sync."""

from shared.runtime.lifespan import serve
from vendor_sync.app import create_app
from vendor_sync.settings import Settings

serve(create_app, Settings, "vendor-sync")
