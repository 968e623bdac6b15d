"""Runs psa-sync."""

from psa_sync.app import create_app
from psa_sync.settings import Settings
from shared.runtime.lifespan import serve

serve(create_app, Settings, "psa-sync")
